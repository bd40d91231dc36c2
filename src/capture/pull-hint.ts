import type { Repository } from "../oci/reference.ts";

/** The next step after a registry's answer, by its status. */
export function pullHint(status: number | undefined, repository: Repository): string {
  const { host } = repository;
  switch (status) {
    case 401:
    case 403:
      return `log in to ${host} where the build runs (docker login ${host}), or let the launch apply an imagePullSecret that fits`;
    case 404:
      return "check the name and the tag, or push the image first";
    case 429:
      return `log in to ${host} for a higher limit, or use a mirror (--mirror ${host}=URL)`;
    default:
      return `check that ${host} can be reached from where the build runs, or use a mirror (--mirror ${host}=URL)`;
  }
}
