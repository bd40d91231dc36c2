import { parseRecordTag } from "../cache/registry-tag.ts";

/** What the images below an index are told apart by: `pr-12-arm64`, `pr-12-arm-v7`. */
const platforms = /^-(?:386|amd64|arm|arm64|loong64|mips64le|ppc64le|riscv64|s390x)(?:-v\d)?$/;

/**
 * Which tags of a repository belong to one pull or merge request alone: its image's, those of its platforms' images, and
 * those of the cache records that its builds wrote under a prefix of the same name (docs/pipelines.md, "A closed request").
 *
 * @param request `pr-12` or `mr-12`
 */
export function tagsOfRequest(request: string, tags: readonly string[]): readonly string[] {
  return tags
    .filter((tag) => tag.startsWith(request))
    .filter((tag) => {
      const rest = tag.slice(request.length);
      return rest === "" || platforms.test(rest) || parseRecordTag(request, tag)?.scope === "unprotected";
    })
    .sort();
}
