import type { RegistryErrorCode } from "./errors.ts";

/** A registry's refusal, as far as the next step depends on it. */
export interface Refusal {
  /** HTTP status; undefined when it is not known. */
  readonly status: number | undefined;
  readonly code?: RegistryErrorCode;
  /** What was said, ours or the registry's. */
  readonly words: string;
}

/** What was wanted: an image of the launch, or to fetch or push a cluster image. */
export type RegistryPurpose = "image" | "fetch" | "push";

/** The next step after a registry's refusal. */
export function registryHint(refusal: Refusal, host: string, purpose: RegistryPurpose): string {
  const hint = nextStep(refusal, host, purpose);
  // Whoever meant an image of the local store, and misspelt it, is told what was asked for instead.
  return host === "docker.io" && purpose === "fetch" ? `${hint}; a name without a registry is one of docker.io` : hint;
}

function nextStep({ status, code, words }: Refusal, host: string, purpose: RegistryPurpose): string {
  if (/not a public address/.test(words)) {
    return `if ${host} is meant, name it: --insecure ${host} (plain http), docker login ${host}, or --mirror ${host}=URL`;
  }
  if (/does not speak TLS/.test(words)) return `if ${host} is meant to be plain http, name it: --insecure ${host}`;
  if (/perhaps it speaks TLS|HTTP request to an HTTPS server/.test(words)) {
    return `if ${host} speaks TLS, take it out of --insecure, or name it as --mirror ${host}=https://${host} on this machine`;
  }
  if (/self[- ]signed certificate|unable to (?:get|verify) .*certificate/.test(words)) {
    return `name the file of the authority that ${host} has its certificate from in NODE_EXTRA_CA_CERTS`;
  }
  if (/ pins \S+ to sha256:/.test(words)) {
    return "its registry has it no more: kubefile lock --update NAME asks what the tag stands for now";
  }
  if (/ has a foreign layer /.test(words)) {
    return "use a build of the image without foreign layers, or leave the image out with --exclude";
  }
  if (code === "NAME_UNKNOWN" && purpose === "push") return `create the repository in ${host} first`;
  switch (status) {
    case 401:
    case 403:
      return loginHint(host, purpose);
    case 404:
      return purpose === "image" ? "check the name and the tag, or push the image first" : "check the name and the tag";
    case 413:
      return `raise the limit of ${host}, or of the proxy before it, for request bodies`;
    case 429:
      return `log in to ${host} for a higher limit, or use a mirror (--mirror ${host}=URL)`;
    default:
      return reachHint(host, purpose);
  }
}

function loginHint(host: string, purpose: RegistryPurpose): string {
  switch (purpose) {
    case "image":
      return `log in to ${host} where the build runs (docker login ${host}), or let the launch apply an imagePullSecret that fits`;
    case "push":
      return `log in with docker login ${host}, and check that you may write there`;
    case "fetch":
      return `log in with docker login ${host}, and check that you may read there`;
  }
}

function reachHint(host: string, purpose: RegistryPurpose): string {
  if (purpose === "push")
    return `check that ${host} can be reached and try again: blobs that arrived are not sent twice`;
  return purpose === "image"
    ? `check that ${host} can be reached from where the build runs, or use a mirror (--mirror ${host}=URL)`
    : `check that ${host} can be reached, and try again`;
}
