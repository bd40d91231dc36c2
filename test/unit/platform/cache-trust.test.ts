import { describe, expect, it } from "vitest";
import { cacheTrust } from "../../../src/platform/cache-trust.ts";

const github = { GITHUB_ACTIONS: "true", GITHUB_REPOSITORY: "acme/shop", GITHUB_REF_NAME: "main" };
const gitlab = { GITLAB_CI: "true", CI_COMMIT_REF_NAME: "main" };
const fork = { CI_MERGE_REQUEST_SOURCE_PROJECT_PATH: "mallory/shop", CI_MERGE_REQUEST_PROJECT_PATH: "acme/shop" };

/** `p` and `u` for the scopes that are read, then what is written. */
async function shown(
  env: Readonly<Record<string, string>>,
  asked: Parameters<typeof cacheTrust>[1] = "auto",
): Promise<string> {
  const { reads, writes, why } = await cacheTrust(env, asked);
  return `${reads.map(([letter]) => letter).join("")} -> ${writes ?? "nothing"}: ${why}`;
}

describe("cacheTrust", () => {
  it.each<[string, Readonly<Record<string, string>>, string]>([
    ["a machine of one's own", {}, "pu -> unprotected: outside of CI"],
    [
      "a branch",
      { ...github, GITHUB_EVENT_NAME: "push", GITHUB_REF_NAME: "topic", GITHUB_REF_PROTECTED: "false" },
      "pu -> unprotected: ref topic is not protected",
    ],
    [
      "a protected branch",
      { ...github, GITHUB_EVENT_NAME: "push", GITHUB_REF_PROTECTED: "true" },
      "p -> protected: ref main is protected",
    ],
    [
      "its nightly build",
      { ...github, GITHUB_EVENT_NAME: "schedule", GITHUB_REF_PROTECTED: "true" },
      "p -> protected: ref main is protected",
    ],
    [
      "a request from another branch, in the name of the protected one",
      { ...github, GITHUB_EVENT_NAME: "pull_request_target", GITHUB_REF_PROTECTED: "true" },
      "p -> nothing: an event of the kind pull_request_target",
    ],
    [
      "a run after another",
      { ...github, GITHUB_EVENT_NAME: "workflow_run", GITHUB_REF_PROTECTED: "true" },
      "p -> nothing: an event of the kind workflow_run",
    ],
    [
      "an event that says nothing of what it builds",
      { ...github, GITHUB_EVENT_NAME: "repository_dispatch", GITHUB_REF_PROTECTED: "true" },
      "p -> unprotected: ref main is protected",
    ],
    [
      "a tag that anybody may push",
      {
        ...github,
        GITHUB_EVENT_NAME: "push",
        GITHUB_REF_NAME: "v1",
        GITHUB_REF_TYPE: "tag",
        GITHUB_REF_PROTECTED: "false",
      },
      "p -> unprotected: v1 is a release",
    ],
    [
      "a protected tag",
      {
        ...github,
        GITHUB_EVENT_NAME: "push",
        GITHUB_REF_NAME: "v1",
        GITHUB_REF_TYPE: "tag",
        GITHUB_REF_PROTECTED: "true",
      },
      "p -> protected: ref v1 is protected",
    ],
    [
      "a branch of GitLab's",
      { ...gitlab, CI_COMMIT_REF_PROTECTED: "false" },
      "pu -> unprotected: ref main is not protected",
    ],
    [
      "a protected branch of GitLab's",
      { ...gitlab, CI_COMMIT_REF_PROTECTED: "true" },
      "p -> protected: ref main is protected",
    ],
    [
      "a tag of GitLab's",
      { ...gitlab, CI_COMMIT_REF_NAME: "v1", CI_COMMIT_TAG: "v1" },
      "p -> unprotected: v1 is a release",
    ],
    [
      "a fork's request of GitLab's",
      { ...gitlab, ...fork },
      "pu -> nothing: a merge request from the fork mallory/shop",
    ],
    [
      "a fork's request that is said to be protected",
      { ...gitlab, ...fork, CI_COMMIT_REF_PROTECTED: "true" },
      "p -> nothing: a merge request from the fork mallory/shop",
    ],
  ])("%s", async (_, env, expected) => {
    expect(await shown(env)).toBe(expected);
  });

  it("does as it is told, but keeps nothing of a stranger's", async () => {
    const push = { ...github, GITHUB_EVENT_NAME: "push", GITHUB_REF_PROTECTED: "true" };
    expect(await shown({}, "protected")).toBe("p -> protected: --cache-trust protected");
    expect(await shown(push, "unprotected")).toBe("pu -> unprotected: --cache-trust unprotected");
    expect(await shown(push, "read-only")).toBe("p -> nothing: --cache-trust read-only");
    expect(await shown({ ...gitlab, ...fork }, "protected")).toBe(
      "p -> nothing: a merge request from the fork mallory/shop",
    );
  });
});
