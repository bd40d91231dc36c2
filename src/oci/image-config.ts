import { KubefileError } from "../error.ts";
import { type Digest, isDigest } from "./digest.ts";
import { isRecord, textsOfRecord } from "./json-record.ts";

/** The config of a container image (OCI image-spec, config.md; Docker's is the same here), as far as we read one. */
export interface ImageConfig {
  readonly env: Readonly<Record<string, string>>;
  readonly labels: Readonly<Record<string, string>>;
  readonly author?: string;
  /** Digests of the uncompressed layers, in order. */
  readonly diffIds: readonly Digest[];
}

/** Bytes. Configs hold histories, which are long; a megabyte is rare. */
export const MAX_IMAGE_CONFIG_BYTES = 8 * 1024 * 1024;

/** Reads a config from a stranger. @param name what messages call the image @throws KubefileError ARTIFACT_INVALID */
export function parseImageConfig(bytes: Uint8Array, name: string): ImageConfig {
  const invalid = (why: string): KubefileError =>
    new KubefileError("ARTIFACT_INVALID", `the config of ${name} is not an image's: ${why}`, {
      hint: "name a container image, or a cluster image that `kubefile build` made",
    });
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch {
    throw invalid("it is not JSON");
  }
  if (!isRecord(json) || !isRecord(json.rootfs)) throw invalid("it names no layers");
  const { diff_ids: diffIds } = json.rootfs;
  if (!Array.isArray(diffIds) || !diffIds.every((id) => typeof id === "string" && isDigest(id))) {
    throw invalid("its diff_ids are no list of sha256 digests");
  }
  const config = isRecord(json.config) ? json.config : {};
  return {
    env: readEnv(config.Env),
    labels: textsOfRecord(config.Labels),
    ...(typeof json.author === "string" && json.author !== "" ? { author: json.author } : {}),
    diffIds,
  };
}

/** `["NAME=value"]`; what is no such item means nothing to any runtime either. */
function readEnv(value: unknown): Record<string, string> {
  if (!Array.isArray(value)) return {};
  return Object.fromEntries(
    value.flatMap((item: unknown) => {
      const equals = typeof item === "string" ? item.indexOf("=") : -1;
      return typeof item === "string" && equals > 0 ? [[item.slice(0, equals), item.slice(equals + 1)]] : [];
    }),
  );
}
