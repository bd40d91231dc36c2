import type { CountedRequest } from "../../support/counting-proxy.ts";

/** What passed between a build and the registries of one side, in bytes. */
export interface Traffic {
  readonly requests: number;
  /** Layers and configs. */
  readonly blobs: { readonly down: number; readonly up: number };
  readonly records: { readonly down: number; readonly up: number };
  readonly manifests: { readonly down: number; readonly up: number };
}

export const noTraffic: Traffic = {
  requests: 0,
  blobs: { down: 0, up: 0 },
  records: { down: 0, up: 0 },
  manifests: { down: 0, up: 0 },
};

/** @param records digests of the blobs that are records of a cache */
export function trafficOf(requests: readonly CountedRequest[], records: ReadonlySet<string>): Traffic {
  const sumOf = (kind: ReturnType<typeof kindOf>): { down: number; up: number } => {
    const own = requests.filter((request) => kindOf(request, records) === kind);
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
  records: ReadonlySet<string>,
): "blob" | "record" | "manifest" | "other" {
  if (/\/manifests\/[^/]+$/.test(url)) return status < 300 ? "manifest" : "other";
  if (!url.includes("/blobs/")) return "other";
  // The words of an error, and of the answer that opens an upload, are no content.
  const digest = (blobPath.exec(url) ?? uploadDigest.exec(url))?.[1]?.replace(/%3A/i, ":");
  if (digest !== undefined && records.has(digest)) return "record";
  return status < 300 ? "blob" : "other";
}
