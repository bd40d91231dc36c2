import { diffMarkdown } from "../image/diff-markdown.ts";
import type { Digest } from "../oci/digest.ts";
import { parseReference, type Reference, type Repository } from "../oci/reference.ts";
import { type Base, compareWithBase, findBase } from "../pipeline/base-comparison.ts";
import type { Host } from "../pipeline/host.ts";
import { baseTags } from "./base-tags.ts";
import type { CommandContext } from "./context.ts";
import { sourceRevision } from "./source-revision.ts";

/**
 * What a job's result is to be compared with, as it stands before the job changes anything. Undefined where nothing is to
 * be found.
 *
 * @param asked a name in a registry, `none`, or undefined for what the scheme of tags says
 * @param repository of the result; undefined when it has no name
 */
export async function baseOfRun(
  { env }: CommandContext,
  host: Host,
  asked: string | undefined,
  repository: Repository | undefined,
): Promise<Base | undefined> {
  if (asked === "none") return undefined;
  if (asked !== undefined) return await findBase(host, [parseReference(asked)]);
  const revision = await sourceRevision(env);
  if (revision === undefined || repository === undefined) return undefined;
  const { host: registry, path } = repository;
  return await findBase(
    host,
    baseTags(revision, env).map((tag): Reference => ({ host: registry, path, tag })),
  );
}

/** @returns markdown of at most `limit` bytes, undefined when there is nothing to compare with */
export async function differenceFromBase(
  host: Host,
  base: Base | undefined,
  built: { readonly name: string; readonly digest: Digest },
  limit: number,
): Promise<string | undefined> {
  if (base === undefined) return undefined;
  const compared = await compareWithBase(host, base, built);
  return compared === undefined ? undefined : diffMarkdown(compared, { limit }).trimEnd();
}
