import { KubefileError } from "../error.ts";
import { hostInputs } from "./build-inputs.ts";
import type { Inputs, ValuesOf } from "./inputs.ts";
import { platformInput } from "./platform-input.ts";

/** `kubefile diff`. */
export const diffInputs = {
  format: {
    kind: "choice",
    value: "format",
    choices: ["pretty", "json", "markdown"],
    default: "pretty",
    help: "how the comparison is printed",
    only: ["command"],
  },
  files: {
    kind: "switch",
    default: "true",
    help: "compare the files of the rootfs, too, for which its layers are read",
    off: "leave the files of the rootfs out, for which its layers would be read",
  },
  limit: {
    kind: "text",
    value: "bytes",
    default: "60000",
    help: "the length of markdown, after which tables lose rows",
  },
  ...platformInput,
  ...hostInputs,
} as const satisfies Inputs;

export type DiffFlags = ValuesOf<typeof diffInputs>;

/** @throws KubefileError USAGE */
export function parseLimit(text: string = diffInputs.limit.default): number {
  if (/^[1-9]\d{2,8}$/.test(text)) return Number(text);
  throw new KubefileError("USAGE", `--limit ${JSON.stringify(text.slice(0, 100))} is not a number of bytes`, {
    hint: "write a number from 100 on: --limit 60000",
  });
}
