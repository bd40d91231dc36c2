import { parseRecordTag } from "../cache/registry-tag.ts";

/**
 * Which tags of a repository belong to one pull or merge request alone: its image's, and those of the cache records that
 * its builds wrote under a prefix of the same name (docs/pipelines.md, "A closed request").
 *
 * @param request `pr-12` or `mr-12`
 */
export function tagsOfRequest(request: string, tags: readonly string[]): readonly string[] {
  return tags.filter((tag) => tag === request || parseRecordTag(request, tag)?.scope === "unprotected").sort();
}
