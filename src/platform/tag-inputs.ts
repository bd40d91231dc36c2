import { KubefileError } from "../error.ts";
import { type Digest, parseDigest } from "../oci/digest.ts";
import { hostInputs } from "./build-inputs.ts";
import type { Inputs } from "./inputs.ts";
import { platformInput } from "./platform-input.ts";

/** `kubefile tag`. */
export const tagInputs = {
  ifDigest: {
    kind: "text",
    value: "digest",
    help: "only when the names stand for this digest now, or `none`: when they are not there yet",
  },
  platform: { ...platformInput.platform, without: "the index itself" },
  ...hostInputs,
} as const satisfies Inputs;

/** @throws KubefileError USAGE */
export function parseIfDigest(text: string | undefined): Digest | "none" | undefined {
  if (text === undefined || text === "none") return text;
  try {
    return parseDigest(text);
  } catch (cause) {
    throw new KubefileError("USAGE", `--if-digest ${JSON.stringify(text.slice(0, 100))} is not a digest`, {
      hint: "write --if-digest sha256:… with all 64 digits, or --if-digest none",
      cause,
    });
  }
}
