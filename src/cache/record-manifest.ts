import {
  ARTIFACT_TYPE_ANNOTATION,
  MEDIA_TYPE_ANNOTATION,
  nativeDescriptor,
  ROLE_ANNOTATION,
  standardDescriptor,
} from "../image/blob-roles.ts";
import { MAX_CLUSTER_DESCRIPTORS, MAX_CLUSTER_MANIFEST_BYTES } from "../image/limits.ts";
import type { ProfileName } from "../image/profiles.ts";
import { canonicalJson } from "../oci/canonical-json.ts";
import type { Descriptor } from "../oci/descriptor.ts";
import { type Digest, digestOf } from "../oci/digest.ts";
import { type Manifest, parseManifest } from "../oci/manifest.ts";
import { CACHE_ARTIFACT, CACHE_RECORD, OCI_CONFIG, OCI_LAYER, OCI_MANIFEST } from "../oci/media-types.ts";
import { MAX_RECORD_BYTES, RecordRefused, tooLarge } from "./record.ts";
import type { RecordBlob } from "./record-blobs.ts";
import { recordTitle } from "./record-title.ts";
import { isScope, type Scope } from "./trust.ts";
import type { CacheRecord } from "./types.ts";

/** Where a registry takes no config but an image's, our record is a layer of this role. */
const RECORD_ROLE = "cache-record";
const KIND_ANNOTATION = "vnd.kubefile.cache.kind";
const SCOPE_ANNOTATION = "vnd.kubefile.cache.scope";
/** For lists, which so need not read the record. */
const TITLE_ANNOTATION = "vnd.kubefile.cache.title";
const CREATED_ANNOTATION = "org.opencontainers.image.created";

const EMPTY_JSON = Buffer.from("{}");
const emptyLayer: Descriptor = {
  mediaType: "application/vnd.oci.empty.v1+json",
  digest: digestOf(EMPTY_JSON),
  size: EMPTY_JSON.byteLength,
};
/** For registries that look into configs. What it says is as much as no image says. */
const IMAGE_CONFIG = Buffer.from(
  canonicalJson({ architecture: "unknown", os: "unknown", config: {}, rootfs: { type: "layers", diff_ids: [] } }),
);

export interface RecordManifest {
  readonly bytes: Buffer;
  /** The record, and what else no record's blobs hold. */
  readonly small: readonly Buffer[];
}

/**
 * The manifest of one record: the record as config, its blobs as layers, so that the registry collects none of them
 * while the record is there. `created` is what pruning goes by: registries do not tell when a tag was written.
 *
 * @throws RecordRefused when registries would refuse it for its size
 */
export function writeRecordManifest(
  record: CacheRecord,
  recordBytes: Buffer,
  blobs: readonly RecordBlob[],
  options: { readonly scope: Scope; readonly created: Date; readonly profile: ProfileName },
): RecordManifest {
  const { scope, created, profile } = options;
  const content = { digest: digestOf(recordBytes), size: recordBytes.byteLength };
  const annotations = {
    [CREATED_ANNOTATION]: created.toISOString(),
    [KIND_ANNOTATION]: record.kind,
    [SCOPE_ANNOTATION]: scope,
    [TITLE_ANNOTATION]: recordTitle(record),
  };
  const written = profile === "native" ? native(content, blobs) : standard(content, blobs);
  const fields = { ...written, annotations: { ...annotations, ...written.annotations } };
  const bytes = Buffer.from(canonicalJson({ schemaVersion: 2, mediaType: OCI_MANIFEST, ...fields }));
  if (blobs.length > MAX_CLUSTER_DESCRIPTORS) throw new RecordRefused(record, `it has ${blobs.length} blobs`);
  if (bytes.byteLength > MAX_CLUSTER_MANIFEST_BYTES) {
    throw new RecordRefused(record, `its manifest would have ${bytes.byteLength} bytes`);
  }
  const extra = profile === "standard" ? IMAGE_CONFIG : EMPTY_JSON;
  return { bytes, small: profile === "standard" || blobs.length === 0 ? [recordBytes, extra] : [recordBytes] };
}

interface Content {
  readonly digest: Descriptor["digest"];
  readonly size: number;
}

function native(content: Content, blobs: readonly RecordBlob[]) {
  return {
    artifactType: CACHE_ARTIFACT,
    config: { mediaType: CACHE_RECORD, ...content },
    layers: blobs.length > 0 ? blobs.map(nativeDescriptor) : [emptyLayer],
    annotations: {},
  };
}

function standard(content: Content, blobs: readonly RecordBlob[]) {
  const own = { [ROLE_ANNOTATION]: RECORD_ROLE, [MEDIA_TYPE_ANNOTATION]: CACHE_RECORD };
  return {
    config: { mediaType: OCI_CONFIG, digest: digestOf(IMAGE_CONFIG), size: IMAGE_CONFIG.byteLength },
    layers: [...blobs.map(standardDescriptor), { mediaType: OCI_LAYER, ...content, annotations: own }],
    annotations: { [ARTIFACT_TYPE_ANNOTATION]: CACHE_ARTIFACT },
  };
}

/** What a record's manifest says of it. */
export interface RecordEntry {
  /** Where its JSON is. */
  readonly content: Descriptor;
  readonly profile: ProfileName;
  readonly scope: Scope;
  readonly kind: string;
  /** Empty when it does not tell. */
  readonly title: string;
  /** Undefined when it does not tell. */
  readonly created: Date | undefined;
  /** What the record is of no use without, with sizes in bytes. */
  readonly blobs: ReadonlyMap<Digest, number>;
}

/** Reads the manifest of a record, of either profile. */
export function readRecordManifest(bytes: Buffer): { readonly entry: RecordEntry } | { readonly problem: string } {
  let manifest: Manifest;
  try {
    manifest = parseManifest(bytes);
  } catch {
    return { problem: "it is no image manifest" };
  }
  if (manifest.kind === "index") return { problem: "it is an index" };
  const { config, layers, annotations, artifactType = config.mediaType } = manifest;
  const isNative = config.mediaType === CACHE_RECORD;
  const content = isNative
    ? config
    : annotations[ARTIFACT_TYPE_ANNOTATION] === CACHE_ARTIFACT
      ? layers.find((layer) => layer.annotations?.[ROLE_ANNOTATION] === RECORD_ROLE)
      : undefined;
  if (content === undefined) return { problem: `it is ${JSON.stringify(artifactType.slice(0, 100))}` };
  if (content.size > MAX_RECORD_BYTES) return { problem: tooLarge(content.size) };
  const scope = annotations[SCOPE_ANNOTATION] ?? "";
  if (!isScope(scope)) return { problem: "it does not say which builds it is from" };
  const created = new Date(annotations[CREATED_ANNOTATION] ?? Number.NaN);
  return {
    entry: {
      content,
      profile: isNative ? "native" : "standard",
      scope,
      kind: (annotations[KIND_ANNOTATION] ?? "unknown").slice(0, 20),
      title: (annotations[TITLE_ANNOTATION] ?? "").slice(0, 300),
      created: Number.isNaN(created.getTime()) ? undefined : created,
      blobs: new Map(layers.filter(isBlob).map(({ digest, size }) => [digest, size])),
    },
  };
}

function isBlob({ digest, annotations }: Descriptor): boolean {
  return digest !== emptyLayer.digest && annotations?.[ROLE_ANNOTATION] !== RECORD_ROLE;
}
