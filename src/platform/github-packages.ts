import { setTimeout as sleep } from "node:timers/promises";
import { KubefileError } from "../error.ts";
import { isDigest } from "../oci/digest.ts";
import type { RegistryClient } from "../registry/types.ts";
import { type GitHubApi, GitHubRefusal } from "./github-api.ts";

interface PackageVersion {
  readonly id: number;
  /** Its digest. */
  readonly name: string;
  readonly tags: readonly string[];
}

const VERSIONS_PER_PAGE = 100;
const MAX_PAGES = 100;
/** A version that has just been pushed is listed a moment later. */
const LOOKS = 4;
const PAUSE_MILLISECONDS = 1_500;

/**
 * The registry of a GitHub server's packages.
 *
 * @param server GITHUB_SERVER_URL
 */
export function packagesRegistry(server: string | undefined): string {
  const host = server !== undefined && URL.canParse(server) ? new URL(server).host : "github.com";
  return host === "github.com" ? "ghcr.io" : `containers.${host}`;
}

/**
 * Deletes at the registry of GitHub's packages, ghcr.io, which refuses it as a registry: there every manifest is a version of a package, and GitHub's API
 * deletes those. It knows no deleting of tags, and a version that has several is not deleted here.
 *
 * @see https://docs.github.com/rest/packages/packages
 * @throws KubefileError PLATFORM without the right, or when GitHub does not answer
 */
export function deleteAtGitHub(api: GitHubApi): RegistryClient["deleteManifest"] {
  return async ({ host, path }, reference, { signal }) => {
    if (!isDigest(reference)) return "refused";
    const [owner = "", ...rest] = path.split("/");
    try {
      const versions = `${await ownerPath(api, owner)}/packages/container/${encodeURIComponent(rest.join("/"))}/versions`;
      const version = await findVersion(api, versions, reference, signal);
      if (version === undefined) return "absent";
      if (version.tags.length > 1) return "refused";
      await api.send({ method: "DELETE", path: `${versions}/${version.id}` });
      return "deleted";
    } catch (error) {
      if (!(error instanceof GitHubRefusal) || ![401, 403, 404].includes(error.status)) throw error;
      throw new KubefileError("PLATFORM", `${error.message} (for ${host}/${path})`, {
        hint: "the job needs `permissions:` with `packages: write`, and its repository the role Admin of the package",
        cause: error,
      });
    }
  };
}

/** Packages of a person and of an organization are found at two places. */
async function ownerPath(api: GitHubApi, owner: string): Promise<string> {
  const name = encodeURIComponent(owner);
  const account = await api.send({ method: "GET", path: `/users/${name}` });
  const type: unknown = typeof account === "object" && account !== null ? Reflect.get(account, "type") : undefined;
  return type === "Organization" ? `/orgs/${name}` : `/users/${name}`;
}

async function findVersion(
  api: GitHubApi,
  path: string,
  digest: string,
  signal: AbortSignal | undefined,
): Promise<PackageVersion | undefined> {
  for (let look = 1; look <= LOOKS; look += 1) {
    const seen = new Set<number>();
    for (let page = 1; page <= MAX_PAGES; page += 1) {
      const answer = await api.send({ method: "GET", path: `${path}?per_page=${VERSIONS_PER_PAGE}&page=${page}` });
      const versions = Array.isArray(answer) ? answer.flatMap(readVersion) : [];
      const found = versions.find(({ name }) => name === digest);
      if (found !== undefined) return found;
      // Of a person's packages GitHub documents neither parameter: a page may be shorter than asked for, or always the first.
      if (versions.every(({ id }) => seen.has(id))) break;
      for (const { id } of versions) seen.add(id);
    }
    if (look < LOOKS) await sleep(PAUSE_MILLISECONDS, undefined, { signal });
  }
  return undefined;
}

function readVersion(value: unknown): PackageVersion[] {
  if (typeof value !== "object" || value === null) return [];
  const { id, name, metadata }: { id?: unknown; name?: unknown; metadata?: unknown } = value;
  if (typeof id !== "number" || typeof name !== "string") return [];
  const container: unknown =
    typeof metadata === "object" && metadata !== null ? Reflect.get(metadata, "container") : undefined;
  const tags: unknown =
    typeof container === "object" && container !== null ? Reflect.get(container, "tags") : undefined;
  // What cannot be read must not be taken for a version without other tags.
  if (!Array.isArray(tags)) return [];
  return [{ id, name, tags: tags.map(String) }];
}
