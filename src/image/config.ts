import { KubefileError } from "../error.ts";
import { canonicalJson } from "../oci/canonical-json.ts";
import { formatReference, tryParseReference } from "../oci/reference.ts";
import { type Check, compileSchema } from "./schema.ts";
import type { ClusterImageConfig } from "./types.ts";

export const MAX_CONFIG_BYTES = 4 * 1024 * 1024;

let check: Check<ClusterImageConfig> | undefined;

/**
 * Reads the config blob of a cluster image. It comes from a registry, so nothing in it is believed: it must fit the
 * schema, paths stay in the rootfs, references are whole.
 *
 * @throws KubefileError ARTIFACT_INVALID with every problem
 */
export function parseConfig(bytes: Uint8Array): ClusterImageConfig {
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (error) {
    throw new KubefileError("ARTIFACT_INVALID", "the cluster image's config is not JSON", { cause: error });
  }
  return checkConfig(json);
}

/** The one spelling of a config. What we write is checked like what we read: nobody could use it otherwise. */
export function encodeConfig(config: ClusterImageConfig): Buffer {
  const bytes = Buffer.from(canonicalJson(checkConfig(config)));
  if (bytes.byteLength <= MAX_CONFIG_BYTES) return bytes;
  throw new KubefileError(
    "ARTIFACT_TOO_LARGE",
    `the cluster image's config has ${bytes.byteLength} bytes, more than ${MAX_CONFIG_BYTES}`,
    { hint: "move long values from ENV and LABEL into files of the rootfs" },
  );
}

function checkConfig(json: unknown): ClusterImageConfig {
  check ??= compileSchema<ClusterImageConfig>("cluster-image-config");
  const result = check(json);
  const problems = "problems" in result ? result.problems : imageProblems(result.value);
  if ("value" in result && problems.length === 0) return result.value;
  throw new KubefileError(
    "ARTIFACT_INVALID",
    `the cluster image's config is not valid:\n${problems.map((problem) => `  ${problem}`).join("\n")}`,
    { hint: "build the cluster image again; schemas/cluster-image-config.schema.json says what it may hold" },
  );
}

/** What a JSON Schema cannot say of a list of images: references are whole, and each stands there once. */
export function imageProblems({ images }: Pick<ClusterImageConfig, "images">): string[] {
  const seen = new Set<string>();
  return images.flatMap(({ reference, digest }, position) => {
    const where = `/images/${position}/reference`;
    const shown = JSON.stringify(reference.slice(0, 200));
    const parsed = tryParseReference(reference);
    if (parsed === undefined || formatReference(parsed) !== reference)
      return [`${where} ${shown} is not a full reference`];
    if (parsed.digest !== undefined && parsed.digest !== digest)
      return [`${where} ${shown} has another digest than ${digest}`];
    if (seen.has(reference)) return [`${where} ${shown} stands here twice`];
    seen.add(reference);
    return [];
  });
}
