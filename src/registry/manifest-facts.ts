import type { Descriptor } from "../oci/descriptor.ts";
import { type Manifest, parseManifest } from "../oci/manifest.ts";
import { RegistryError } from "./errors.ts";

const mediaTypePattern = /^[\w.+-]{1,127}\/[\w.+-]{1,127}$/;

/**
 * The media type to serve manifest bytes under: what they say themselves, else what their registry said, else what
 * they look like. Stored bytes carry no header, and older manifests carry no `mediaType`.
 */
export function manifestMediaType(bytes: Uint8Array, contentType: string | undefined): string {
  const said = contentType?.split(";")[0]?.trim();
  const usable = said !== undefined && mediaTypePattern.test(said) ? said : undefined;
  return statedMediaType(bytes) ?? usable ?? readManifest(bytes)?.mediaType ?? "application/octet-stream";
}

/** Undefined for bytes that are no image manifest or index; those are passed on as they are. */
export function readManifest(bytes: Uint8Array, contentType?: string): Manifest | undefined {
  try {
    return parseManifest(bytes, contentType);
  } catch {
    return undefined;
  }
}

/** What a manifest points to, told apart by the endpoint that serves it. */
export function referencesOf(manifest: Manifest): {
  readonly manifests: readonly Descriptor[];
  readonly blobs: readonly Descriptor[];
} {
  return manifest.kind === "index"
    ? { manifests: manifest.manifests, blobs: [] }
    : { manifests: [], blobs: [manifest.config, ...manifest.layers] };
}

/**
 * containerd follows a foreign layer's `urls` past every mirror, so what they hold would be missing from the capture.
 *
 * @throws RegistryError 403 DENIED
 */
export function refuseForeignLayers(manifest: Manifest, name: string): void {
  const foreign = referencesOf(manifest).blobs.find(({ urls }) => urls !== undefined);
  if (foreign === undefined) return;
  throw new RegistryError(
    403,
    "DENIED",
    `${name} has a foreign layer (${foreign.digest}), which is fetched from elsewhere; build it without foreign layers`,
  );
}

function statedMediaType(bytes: Uint8Array): string | undefined {
  try {
    const json: unknown = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
    if (typeof json !== "object" || json === null || !("mediaType" in json)) return undefined;
    return typeof json.mediaType === "string" && mediaTypePattern.test(json.mediaType) ? json.mediaType : undefined;
  } catch {
    return undefined;
  }
}
