import { type Digest, isDigest } from "../oci/digest.ts";
import { canonicalHost, isRegistryHost, isRepositoryPath, isTag, type Repository } from "../oci/reference.ts";
import { RegistryError } from "./errors.ts";

/** What a request asks for, every part of it well-formed. */
export type Route =
  | { readonly kind: "ping" }
  | { readonly kind: "manifest"; readonly repository: Repository; readonly reference: string }
  | { readonly kind: "blob"; readonly repository: Repository; readonly digest: Digest }
  | { readonly kind: "referrers"; readonly repository: Repository; readonly digest: Digest };

/**
 * Reads a request target of the distribution-spec's pull half (end-1 to end-3 and end-12). Repository names have any
 * number of parts, so the path is matched from its end. `ns` names the registry that the repository belongs to.
 *
 * @param defaultNamespace for clients that send no `ns`
 * @throws RegistryError 400 for malformed parts, 404 for other paths
 */
export function parseRoute(target: string, defaultNamespace?: string): Route {
  // A proxy request (`GET http://host/`) is not ours to serve.
  if (!target.startsWith("/")) throw new RegistryError(400, "UNSUPPORTED", "this registry is not an HTTP proxy");
  const [path = "", query = ""] = splitOnce(target, "?");
  const [version, ...rest] = path.slice(1).split("/").map(decodeSegment);
  if (version !== "v2") throw notHere();
  if (rest.length === 0 || (rest.length === 1 && rest[0] === "")) return { kind: "ping" };

  const last = rest.at(-1) ?? "";
  const kind = rest.at(-2);
  if (rest.length < 3 || (kind !== "manifests" && kind !== "blobs" && kind !== "referrers")) throw notHere();
  const repository = parseRepository(rest.slice(0, -2), parseNamespace(query, defaultNamespace));
  if (kind !== "manifests") return { kind: kind === "blobs" ? "blob" : kind, repository, digest: parseDigest(last) };
  return { kind: "manifest", repository, reference: isTag(last) ? last : parseDigest(last) };
}

function parseRepository(segments: readonly string[], host: string): Repository {
  const isClean = segments.every((segment) => !segment.includes("/"));
  const path = segments.join("/");
  if (!isClean || !isRepositoryPath(path)) {
    throw new RegistryError(400, "NAME_INVALID", `${quoted(path)} is not a repository name`);
  }
  return { host, path: host === "docker.io" && segments.length === 1 ? `library/${path}` : path };
}

function parseNamespace(query: string, defaultNamespace: string | undefined): string {
  const [name = defaultNamespace, ...more] = new URLSearchParams(query).getAll("ns");
  if (name === undefined) {
    throw new RegistryError(400, "NAME_INVALID", "the request names no registry: the ns parameter is missing");
  }
  if (more.length > 0 || !isRegistryHost(name)) {
    throw new RegistryError(400, "NAME_INVALID", `${quoted(name)} is not a registry's host[:port]`);
  }
  return canonicalHost(name);
}

function parseDigest(text: string): Digest {
  if (isDigest(text)) return text;
  throw new RegistryError(400, "DIGEST_INVALID", `${quoted(text)} is neither a tag nor a sha256 digest in its place`);
}

/** Decodes once, after the path was split: an encoded slash never makes a new segment. */
function decodeSegment(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    throw new RegistryError(400, "NAME_INVALID", "the path is not properly percent-encoded");
  }
}

function splitOnce(text: string, separator: string): [string, string?] {
  const at = text.indexOf(separator);
  return at < 0 ? [text] : [text.slice(0, at), text.slice(at + 1)];
}

function notHere(): RegistryError {
  return new RegistryError(404, "UNSUPPORTED", "this registry serves manifests and blobs under /v2/ only");
}

function quoted(text: string): string {
  return JSON.stringify(text.slice(0, 100));
}
