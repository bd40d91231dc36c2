import { KubefileError } from "../error.ts";
import { ambiguousName } from "./ambiguous-json.ts";
import type { Descriptor, Platform } from "./descriptor.ts";
import { isDigest } from "./digest.ts";
import { isRecord, textsOfRecord } from "./json-record.ts";
import { DOCKER_LIST, DOCKER_MANIFEST, isIndexType, isManifestType, OCI_INDEX, OCI_MANIFEST } from "./media-types.ts";

/** containerd's own cap, 4 * 1048 * 1048; nothing larger can be pulled. */
export const MAX_MANIFEST_BYTES = 4_393_216;
const MAX_DESCRIPTORS = 10_000;

/** An image index or an image manifest, as far as we read one. The bytes are never written again from this. */
export type Manifest =
  | {
      readonly kind: "index";
      readonly mediaType: string;
      readonly manifests: readonly Descriptor[];
      readonly annotations: Readonly<Record<string, string>>;
    }
  | {
      readonly kind: "image";
      readonly mediaType: string;
      readonly artifactType?: string;
      readonly config: Descriptor;
      readonly layers: readonly Descriptor[];
      readonly annotations: Readonly<Record<string, string>>;
    };

/**
 * Reads manifest bytes (OCI image-spec manifest.md and image-index.md, Docker schema 2). Hostile input: sizes,
 * digests and counts are checked, unknown fields ignored. What others would read as something else is refused: it is not
 * that which a node will pull.
 *
 * @throws KubefileError ARTIFACT_INVALID
 */
export function parseManifest(bytes: Uint8Array, contentType?: string): Manifest {
  const invalid = (why: string): KubefileError =>
    new KubefileError("ARTIFACT_INVALID", `invalid image manifest: ${why}`);
  if (bytes.byteLength > MAX_MANIFEST_BYTES) throw invalid(`${bytes.byteLength} bytes exceed ${MAX_MANIFEST_BYTES}`);
  let text: string;
  let json: unknown;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    json = JSON.parse(text);
  } catch {
    throw invalid("not JSON");
  }
  if (!isRecord(json)) throw invalid("not a JSON object");
  const ambiguous = ambiguousName(text);
  if (ambiguous !== undefined) throw invalid(`${JSON.stringify(ambiguous.slice(0, 100))} can be read in two ways`);
  const descriptor = (value: unknown, where: string): Descriptor => readDescriptor(value, where, invalid);
  const list = (value: unknown, where: string): Descriptor[] => {
    if (!Array.isArray(value)) throw invalid(`${where} is not a list`);
    if (value.length > MAX_DESCRIPTORS) throw invalid(`${where} has more than ${MAX_DESCRIPTORS} entries`);
    return value.map((entry, position) => descriptor(entry, `${where}[${position}]`));
  };
  const stated = typeof json.mediaType === "string" ? json.mediaType : contentType;
  if (json.manifests !== undefined && (json.config !== undefined || json.layers !== undefined)) {
    throw invalid("both an index and an image");
  }
  if (Array.isArray(json.manifests)) {
    const mediaType = stated !== undefined && isIndexType(stated) ? stated : OCI_INDEX;
    const annotations = textsOfRecord(json.annotations);
    return { kind: "index", mediaType, manifests: list(json.manifests, "manifests"), annotations };
  }
  if (stated === DOCKER_LIST || stated === OCI_INDEX) throw invalid("an index without manifests");
  if (json.schemaVersion === 1)
    throw invalid("Docker schema 1 is not supported; push the image again with a current tool");
  return {
    kind: "image",
    mediaType: stated === DOCKER_MANIFEST ? DOCKER_MANIFEST : OCI_MANIFEST,
    ...(typeof json.artifactType === "string" ? { artifactType: json.artifactType } : {}),
    config: descriptor(json.config, "config"),
    layers: list(json.layers, "layers"),
    annotations: textsOfRecord(json.annotations),
  };
}

/**
 * The child of an index that a node of `platform` runs: an exact variant wins, and a child that names no platform is
 * taken when no other fits, as containerd does.
 */
export function selectPlatform(manifests: readonly Descriptor[], platform: Platform): Descriptor | undefined {
  const candidates = manifests.filter(
    (child) =>
      child.platform?.os === platform.os &&
      child.platform.architecture === platform.architecture &&
      child.annotations?.["vnd.docker.reference.type"] === undefined,
  );
  return (
    candidates.find((child) => child.platform?.variant === platform.variant) ??
    candidates[0] ??
    manifests.find((child) => child.platform === undefined && isManifestType(child.mediaType))
  );
}

function readDescriptor(value: unknown, where: string, invalid: (why: string) => KubefileError): Descriptor {
  if (!isRecord(value)) throw invalid(`${where} is not a descriptor`);
  const { mediaType, digest, size, platform, urls, artifactType } = value;
  if (typeof mediaType !== "string") throw invalid(`${where} has no mediaType`);
  if (typeof digest !== "string" || !isDigest(digest)) throw invalid(`${where} has no sha256 digest`);
  if (typeof size !== "number" || !Number.isSafeInteger(size) || size < 0) throw invalid(`${where} has no valid size`);
  const annotations = textsOfRecord(value.annotations);
  return {
    mediaType,
    digest,
    size,
    ...(Object.keys(annotations).length > 0 ? { annotations } : {}),
    ...(isRecord(platform) && typeof platform.os === "string" && typeof platform.architecture === "string"
      ? {
          platform: {
            os: platform.os,
            architecture: platform.architecture,
            ...(typeof platform.variant === "string" && platform.variant !== "" ? { variant: platform.variant } : {}),
          },
        }
      : {}),
    ...(typeof artifactType === "string" ? { artifactType } : {}),
    ...(Array.isArray(urls) && urls.length > 0 ? { urls: urls.filter((url) => typeof url === "string") } : {}),
  };
}
