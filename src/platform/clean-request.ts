import { errorMessage, KubefileError } from "../error.ts";
import { registryFailure } from "../image/registry-failure.ts";
import { removeTag } from "../image/remove-tag.ts";
import { countOf } from "../image/text-table.ts";
import { formatRepository, type Repository } from "../oci/reference.ts";
import type { Host } from "../pipeline/host.ts";
import { RegistryError } from "../registry/errors.ts";
import type { RegistryClient } from "../registry/types.ts";
import { tagsOfRequest } from "./request-tags.ts";

export interface RequestCleaning {
  /** `pr-12` or `mr-12`. */
  readonly request: string;
  readonly repositories: readonly Repository[];
  /** Tells what would be done, and does nothing. */
  readonly dryRun: boolean;
  /** Ways to delete at registries that do not do it themselves, by host. */
  readonly deleters: ReadonlyMap<string, RegistryClient["deleteManifest"]>;
}

/**
 * Removes the tags of a closed pull or merge request from its repositories. Images stay under their digests: another
 * tag, or a cluster that runs, may hold on to them.
 *
 * @returns the names that were removed, or would be
 * @throws KubefileError REGISTRY with every name that could not be removed
 */
export async function cleanRequest(host: Host, cleaning: RequestCleaning): Promise<readonly string[]> {
  return await host.progress.phase("registry", async (phase) => {
    const removed: string[] = [];
    const problems: KubefileError[] = [];
    for (const repository of cleaning.repositories) {
      try {
        for (const tag of await removeFrom(host, repository, cleaning)) {
          removed.push(`${formatRepository(repository)}:${tag}`);
        }
      } catch (error) {
        if (!(error instanceof KubefileError) || host.signal.aborted) throw error;
        problems.push(error);
      }
    }
    phase.summary(`${countOf(removed.length, "tag")} of ${cleaning.request}`);
    const [first] = problems;
    if (first === undefined) return removed;
    throw new KubefileError(first.code, problems.map(errorMessage).join("\n"), {
      ...(first.hint === undefined ? {} : { hint: first.hint }),
    });
  });
}

async function removeFrom(
  host: Host,
  repository: Repository,
  { request, dryRun, deleters }: RequestCleaning,
): Promise<readonly string[]> {
  const { client, signal } = host;
  host.trustRegistry(repository.host);
  try {
    const tags = tagsOfRequest(request, await client.tags(repository, { signal }));
    if (dryRun) return tags;
    const deleteManifest = deleters.get(repository.host);
    for (const tag of tags) await removeTag({ client, repository, tag, deleteManifest, signal });
    return tags;
  } catch (error) {
    if (error instanceof RegistryError && error.status === 404) return [];
    throw registryFailure("push", repository.host, error);
  }
}
