import { isDigest } from "../oci/digest.ts";
import { isRegistryHost, isRepositoryPath, isTag, type Repository } from "../oci/reference.ts";
import { RegistryError } from "./errors.ts";
import { isSameSite } from "./realm-trust.ts";

/** Where a registry is dialled, and what it is trusted with. */
export interface Endpoint {
  /** The registry as image references name it. */
  readonly host: string;
  /** Scheme, host and port that are dialled. */
  readonly base: URL;
  /** What a mirror puts before repository names: "" or `team/dockerhub/`. */
  readonly prefix: string;
  readonly isMirror: boolean;
  /** The operator named this registry, so its address may be a private one. */
  readonly isTrusted: boolean;
}

export interface EndpointOptions {
  /**
   * Dial targets by registry host (canonical: `docker.io`). A path of the URL becomes a prefix of repository names, as the proxy projects of
   * Harbor and Artifactory want it. `http:` is taken as a decision for plain http.
   */
  readonly mirrors?: ReadonlyMap<string, URL> | undefined;
  /** Hosts (with port) that are spoken to in plain http. */
  readonly insecure?: ReadonlySet<string> | undefined;
  /** Whether the operator named this host: in docker config, a pull secret, an image reference. */
  readonly trustedHosts?: ((host: string) => boolean) | undefined;
}

/**
 * Loopback registries and `insecure` ones get plain http and never https; all others https and never http. Guessing
 * by trying one after the other would let whoever breaks the first connection choose. A loopback registry that has a
 * certificate is named as a mirror of itself.
 *
 * @throws RegistryError 400 NAME_INVALID
 */
export function endpointOf(host: string, options: EndpointOptions): Endpoint {
  if (!isRegistryHost(host)) throw invalidName(`${JSON.stringify(host.slice(0, 100))} is not a registry name`);
  const mirror = options.mirrors?.get(host);
  const isInsecure = options.insecure?.has(host) === true;
  const isNamed = isInsecure || options.trustedHosts?.(host) === true;
  if (mirror !== undefined) {
    const path = mirror.pathname.replace(/^\/(?:v2(?=\/|$))?\/*|\/+$/g, "");
    return {
      host,
      base: new URL(mirror.origin),
      prefix: path === "" ? "" : `${path}/`,
      isMirror: true,
      isTrusted: true,
    };
  }
  const dialled = host === "docker.io" ? "registry-1.docker.io" : host;
  let base: URL;
  try {
    base = new URL(`https://${dialled}`);
  } catch {
    throw invalidName(`${JSON.stringify(host)} is not a registry name`);
  }
  if (isInsecure || isLoopbackName(base.hostname)) base = new URL(`http://${dialled}`);
  return { host, base, prefix: "", isMirror: false, isTrusted: isNamed };
}

/**
 * The URL of something in a repository: `manifests/…`, `blobs/…`, `tags/list`.
 *
 * @throws RegistryError 400 NAME_INVALID
 */
export function repositoryUrl(endpoint: Endpoint, repository: Repository, rest: string): URL {
  return new URL(`/v2/${remotePath(endpoint, repository)}/${rest}`, endpoint.base);
}

/** The repository's name at the endpoint, as paths and token scopes need it. @throws RegistryError 400 NAME_INVALID */
export function remotePath(endpoint: Endpoint, repository: Repository): string {
  if (!isRepositoryPath(repository.path)) {
    throw invalidName(`${JSON.stringify(repository.path.slice(0, 100))} is not a repository name`);
  }
  return endpoint.prefix + repository.path;
}

/** @throws RegistryError 400 MANIFEST_INVALID for what is neither tag nor digest. */
export function checkReference(reference: string): string {
  if (isTag(reference) || isDigest(reference)) return reference;
  throw new RegistryError(
    400,
    "MANIFEST_INVALID",
    `${JSON.stringify(reference.slice(0, 100))} is neither a tag nor a sha256 digest`,
  );
}

/**
 * Whether `url`, reached on behalf of `endpoint` (itself, its token service, a redirect), may have a private address:
 * the endpoint's own host, hosts of a named registry's own domain, and hosts that are named themselves.
 */
export function mayBePrivate(endpoint: Endpoint, url: URL, options: EndpointOptions): boolean {
  if (endpoint.isTrusted && isSameSite(endpoint.base.hostname, url.hostname)) return true;
  return options.insecure?.has(url.host) === true || options.trustedHosts?.(url.host) === true;
}

/** Whether a hop from `from` to `to` is allowed as to encryption: never from https to http, unless `to` is insecure. */
export function isDowngrade(from: URL, to: URL, options: EndpointOptions): boolean {
  return from.protocol === "https:" && to.protocol !== "https:" && options.insecure?.has(to.host) !== true;
}

function isLoopbackName(hostname: string): boolean {
  return hostname === "localhost" || hostname === "[::1]" || /^127\.\d+\.\d+\.\d+$/.test(hostname);
}

function invalidName(message: string): RegistryError {
  return new RegistryError(400, "NAME_INVALID", message);
}
