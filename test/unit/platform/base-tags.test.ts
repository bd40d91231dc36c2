import { expect, test } from "vitest";
import { baseTags } from "../../../src/platform/base-tags.ts";
import type { SourceRef } from "../../../src/platform/source-revision.ts";

test.each<[string, SourceRef, Record<string, string>, readonly string[]]>([
  ["a pull request", { kind: "pull request", number: 12 }, { GITHUB_BASE_REF: "release/1" }, ["release-1", "edge"]],
  [
    "a merge request",
    { kind: "merge request", number: 3 },
    { CI_MERGE_REQUEST_TARGET_BRANCH_NAME: "main" },
    ["main", "edge"],
  ],
  ["a branch", { kind: "branch", name: "feature", isDefault: false }, { GITHUB_BASE_REF: "" }, ["edge"]],
  ["the default branch", { kind: "branch", name: "main", isDefault: true }, {}, ["edge", "main"]],
  ["a version", { kind: "tag", name: "v1.2.3" }, {}, ["latest"]],
])("%s is compared with what its tags name", (_, ref, env, expected) => {
  expect(baseTags({ commit: "a".repeat(40), ref, source: undefined }, env)).toEqual(expected);
});
