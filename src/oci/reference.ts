import { KubefileError } from "../error.ts";
import { type Digest, isDigest } from "./digest.ts";

/** A repository: a registry's name as users and containerd's `ns` write it, and a path in it. */
export interface Repository {
  /** `docker.io`, `ghcr.io`, `registry.example:5000`. */
  readonly host: string;
  /** `library/nginx`. */
  readonly path: string;
}

export interface Reference extends Repository {
  readonly tag?: string;
  readonly digest?: Digest;
}

// The grammar of distribution/reference: a first component is a host only if it looks like one.
const component = "[a-z0-9]+(?:(?:\\.|_|__|-+)[a-z0-9]+)*";
const pathPattern = new RegExp(`^${component}(?:/${component})*$`);
const hostPattern =
  /^(?:(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])(?:\.(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9]))*|\[[0-9a-fA-F:]+\])(?::[0-9]{1,5})?$/;
const tagPattern = /^[\w][\w.-]{0,127}$/;

export function isRegistryHost(text: string): boolean {
  if (text.length > 255 || !hostPattern.test(text)) return false;
  const port = /:(\d+)$/.exec(text)?.[1];
  // The last part of an IPv6 address stands before its bracket.
  return port === undefined || (Number(port) >= 1 && Number(port) <= 65_535);
}

export function isRepositoryPath(text: string): boolean {
  return text.length <= 255 && pathPattern.test(text);
}

export function isTag(text: string): boolean {
  return tagPattern.test(text);
}

/** `index.docker.io` and `registry-1.docker.io` are other names of `docker.io`; host names have no case. */
export function canonicalHost(host: string): string {
  const lower = host.toLowerCase();
  return lower === "index.docker.io" || lower === "registry-1.docker.io" ? "docker.io" : lower;
}

/**
 * Reads an image reference the way containerd's CRI does: no host means `docker.io`, one component there means
 * `library/`, and neither tag nor digest means `latest`.
 *
 * @throws KubefileError REFERENCE_INVALID
 */
export function parseReference(text: string): Reference {
  const invalid = (why: string): KubefileError =>
    new KubefileError("REFERENCE_INVALID", `${JSON.stringify(text.slice(0, 200))} is not an image reference: ${why}`, {
      hint: formHint(text),
    });
  let rest = text;
  let digest: Digest | undefined;
  const at = rest.indexOf("@");
  if (at >= 0) {
    const digestText = rest.slice(at + 1);
    if (!isDigest(digestText)) throw invalid(`${JSON.stringify(digestText.slice(0, 80))} is not a sha256 digest`);
    digest = digestText;
    rest = rest.slice(0, at);
  }
  let tag: string | undefined;
  const colon = rest.lastIndexOf(":");
  if (colon > rest.lastIndexOf("/")) {
    tag = rest.slice(colon + 1);
    if (!isTag(tag)) throw invalid(`${JSON.stringify(tag)} is not a tag`);
    rest = rest.slice(0, colon);
  }
  const first = hostOf(rest);
  const host = canonicalHost(first ?? "docker.io");
  const written = first === undefined ? rest : rest.slice(first.length + 1);
  if (!isRegistryHost(host)) throw invalid(`${JSON.stringify(host)} is not a registry name`);
  const path = host === "docker.io" && !written.includes("/") ? `library/${written}` : written;
  if (!isRepositoryPath(path)) throw invalid(`${JSON.stringify(written)} is not a repository name`);
  if (tag === undefined && digest === undefined) tag = "latest";
  return { host, path, ...(tag === undefined ? {} : { tag }), ...(digest === undefined ? {} : { digest }) };
}

/** How to write one, as a hint. */
export const referenceForm = "write it as [REGISTRY/]NAME[:TAG][@sha256:DIGEST], in lower case";

/** What to write in place of an address, an archive's file, or anything else. */
function formHint(text: string): string {
  const scheme = /^[a-z]+:\/\//.exec(text)?.[0];
  if (scheme !== undefined) return `leave out ${scheme}`;
  return /^(?:oci-archive:|\.{0,2}\/)/.test(text)
    ? "only `kubefile diff` reads a file; `skopeo copy --preserve-digests oci-archive:FILE docker://REF` puts an archive into a registry"
    : referenceForm;
}

/** The first component of a name when it is a registry's: `library/nginx` and `shop` name none. */
function hostOf(name: string): string | undefined {
  const first = name.slice(0, Math.max(0, name.indexOf("/")));
  const isHost = first !== "" && (/[.:]/.test(first) || first === "localhost" || first.toLowerCase() !== first);
  return isHost ? first : undefined;
}

/**
 * As parseReference, but a name without a registry is looked for below `base` (`registry.example/team`), when there is
 * one.
 *
 * @throws KubefileError REFERENCE_INVALID
 */
export function parseReferenceBelow(text: string, base: string | undefined): Reference {
  return parseReference(base === undefined || hostOf(text) !== undefined ? text : `${base}/${text}`);
}

export function tryParseReference(text: string): Reference | undefined {
  try {
    return parseReference(text);
  } catch {
    return undefined;
  }
}

export function formatRepository(repository: Repository): string {
  return `${repository.host}/${repository.path}`;
}

/** The full form, `docker.io/library/nginx:1.27@sha256:…`; equal references have equal text. */
export function formatReference(reference: Reference): string {
  const tag = reference.tag === undefined ? "" : `:${reference.tag}`;
  const digest = reference.digest === undefined ? "" : `@${reference.digest}`;
  return `${formatRepository(reference)}${tag}${digest}`;
}

/** What a registry is asked for: the digest when there is one, as containerd does, else the tag. */
export function manifestReference(reference: Reference): string {
  return reference.digest ?? reference.tag ?? "latest";
}
