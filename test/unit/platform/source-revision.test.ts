import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { sourceRevision } from "../../../src/platform/source-revision.ts";

const commit = "5f3a".repeat(10);
const other = "c0de".repeat(10);

const gitlab = {
  GITLAB_CI: "true",
  CI_COMMIT_SHA: commit,
  CI_PROJECT_URL: "https://gitlab.example/shop/app",
  CI_DEFAULT_BRANCH: "main",
};
const github = {
  GITHUB_ACTIONS: "true",
  GITHUB_SHA: commit,
  GITHUB_SERVER_URL: "https://github.com",
  GITHUB_REPOSITORY: "shop/app",
};

describe("the revision a GitLab job builds", () => {
  const source = "https://gitlab.example/shop/app";

  it.each([
    [{ CI_COMMIT_BRANCH: "main" }, { commit, source, ref: { kind: "branch", name: "main", isDefault: true } }],
    [{ CI_COMMIT_BRANCH: "a/b" }, { commit, source, ref: { kind: "branch", name: "a/b", isDefault: false } }],
    [{ CI_COMMIT_TAG: "v1.0.0" }, { commit, source, ref: { kind: "tag", name: "v1.0.0" } }],
    [{ CI_MERGE_REQUEST_IID: "12" }, { commit, source, ref: { kind: "merge request", number: 12 } }],
    [
      { CI_MERGE_REQUEST_IID: "12", CI_MERGE_REQUEST_SOURCE_BRANCH_SHA: other },
      { commit: other, source, ref: { kind: "merge request", number: 12 } },
    ],
    [{ CI_MERGE_REQUEST_IID: "12", CI_MERGE_REQUEST_SOURCE_BRANCH_SHA: "" }, { commit }],
    [
      { CI_COMMIT_BRANCH: "main", CI_PROJECT_URL: "https://robot:secret@gitlab.example/shop/app?x=1" },
      { commit, source },
    ],
    [
      { CI_COMMIT_BRANCH: "main", CI_PROJECT_URL: "javascript:alert(1)" },
      { commit, source: undefined },
    ],
  ])("with %j", async (env, expected) => {
    expect(await sourceRevision({ ...gitlab, ...env })).toMatchObject(expected);
  });

  it.each([{}, { CI_COMMIT_BRANCH: "main", CI_COMMIT_SHA: "HEAD" }, { CI_MERGE_REQUEST_IID: "../1" }])(
    "is unknown with %j",
    async (env) => {
      expect(await sourceRevision({ ...gitlab, ...env })).toBeUndefined();
    },
  );
});

describe("the revision a GitHub workflow builds", () => {
  let directory: string;
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), "kubefile-event-"));
  });
  afterEach(() => rm(directory, { recursive: true, force: true }));

  const withEvent = async (event: unknown, env: Record<string, string>) => {
    const file = join(directory, "event.json");
    await writeFile(file, JSON.stringify(event));
    return await sourceRevision({ ...github, ...env, GITHUB_EVENT_PATH: file });
  };
  const source = "https://github.com/shop/app";

  it("is a branch's, the default one among them", async () => {
    const event = { repository: { default_branch: "trunk" } };
    const isDefault = { kind: "branch", name: "trunk", isDefault: true };
    const isOther = { kind: "branch", name: "a/b", isDefault: false };
    expect(await withEvent(event, { GITHUB_REF: "refs/heads/trunk" })).toEqual({ commit, source, ref: isDefault });
    expect(await withEvent(event, { GITHUB_REF: "refs/heads/a/b" })).toEqual({ commit, source, ref: isOther });
  });

  it("is a tag's", async () => {
    const ref = { kind: "tag", name: "v1.0.0" };
    expect(await withEvent({}, { GITHUB_REF: "refs/tags/v1.0.0" })).toEqual({ commit, source, ref });
  });

  it("is a pull request's own commit, not GitHub's trial merge", async () => {
    const event = { pull_request: { head: { sha: other } } };
    const ref = { kind: "pull request", number: 7 };
    expect(await withEvent(event, { GITHUB_REF: "refs/pull/7/merge" })).toEqual({ commit: other, source, ref });
  });

  it("is unknown without an event's file or a ref", async () => {
    expect(await sourceRevision({ ...github, GITHUB_EVENT_PATH: join(directory, "nowhere.json") })).toBeUndefined();
  });
});

it("there is none outside of CI", async () => {
  expect(await sourceRevision({ CI_COMMIT_SHA: commit, GITHUB_SHA: commit })).toBeUndefined();
});
