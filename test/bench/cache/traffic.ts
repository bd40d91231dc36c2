import type { CountedRequest } from "../../support/counting-proxy.ts";

/** What passed between a build and the registries of one side, in bytes. */
export interface Traffic {
  readonly requests: number;
  /** Layers and configs. */
  readonly blobs: { readonly down: number; readonly up: number };
  readonly records: { readonly down: number; readonly up: number };
  readonly manifests: { readonly down: number; readonly up: number };
}

/** Digests of blobs of a cache that are neither layers nor configs. */
export interface CacheContents {
  readonly records: ReadonlySet<string>;
  /** Of captured images: where the cache keeps them, they are blobs. */
  readonly manifests: ReadonlySet<string>;
}

export function trafficOf(requests: readonly CountedRequest[], contents: CacheContents): Traffic {
  const sumOf = (kind: ReturnType<typeof kindOf>): { down: number; up: number } => {
    const own = requests.filter((request) => kindOf(request, contents) === kind);
    return {
      down: own.reduce((sum, { received }) => sum + received, 0),
      up: own.reduce((sum, { sent }) => sum + sent, 0),
    };
  };
  return {
    requests: requests.length,
    blobs: sumOf("blob"),
    records: sumOf("record"),
    manifests: sumOf("manifest"),
  };
}

export function addTraffic(one: Traffic, other: Traffic): Traffic {
  const sum = (name: "blobs" | "records" | "manifests") => ({
    down: one[name].down + other[name].down,
    up: one[name].up + other[name].up,
  });
  return {
    requests: one.requests + other.requests,
    blobs: sum("blobs"),
    records: sum("records"),
    manifests: sum("manifests"),
  };
}

/** The blobs that were fetched, each as often as it was. */
export function fetchedBlobs(requests: readonly CountedRequest[]): string[] {
  return requests.flatMap(({ method, url, status }) => {
    const digest = blobPath.exec(url)?.[1];
    return method === "GET" && status < 300 && digest !== undefined ? [digest] : [];
  });
}

const blobPath = /\/blobs\/(sha256:[0-9a-f]{64})/;
/** The digest that ends an upload; whatever is sent before it in parts is counted as a blob. */
const uploadDigest = /\/blobs\/uploads\/.*[?&]digest=(sha256(?::|%3A)[0-9a-f]{64})/i;

function kindOf(
  { url, status }: CountedRequest,
  { records, manifests }: CacheContents,
): "blob" | "record" | "manifest" | "other" {
  // The words of an error are no content.
  if (status >= 300) return "other";
  if (/\/manifests\/[^/]+$/.test(url)) return "manifest";
  if (!url.includes("/blobs/")) return "other";
  const digest = (blobPath.exec(url) ?? uploadDigest.exec(url))?.[1]?.replace(/%3A/i, ":") ?? "";
  if (records.has(digest)) return "record";
  return manifests.has(digest) ? "manifest" : "blob";
}
