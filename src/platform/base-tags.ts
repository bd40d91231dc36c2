import type { Environment } from "./platform.ts";
import type { SourceRevision } from "./source-revision.ts";
import { branchTag } from "./tag-scheme.ts";

/**
 * Where the image is that a run's result is compared with, by the scheme of tags (docs/pipelines.md): that of the branch a
 * request is for, of the default branch, or what the branch itself carried before. The first that is there is meant.
 */
export function baseTags({ ref }: SourceRevision, env: Environment): readonly string[] {
  switch (ref.kind) {
    case "pull request":
    case "merge request": {
      const target = env.GITHUB_BASE_REF || env.CI_MERGE_REQUEST_TARGET_BRANCH_NAME;
      return [...(target ? [branchTag(target)] : []), "edge"];
    }
    case "branch":
      return ref.isDefault ? ["edge", branchTag(ref.name)] : ["edge"];
    case "tag":
      return ["latest"];
    default:
      return ref satisfies never;
  }
}
