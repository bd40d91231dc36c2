import { afterEach, describe, expect, it } from "vitest";
import { gitlabJob } from "../../../src/platform/gitlab-job.ts";
import { releaseOnGitLab } from "../../../src/platform/gitlab-writing.ts";
import { type FakeGitLab, startFakeGitLab } from "../../support/fake-gitlab.ts";

const { signal } = new AbortController();
let gitlab: FakeGitLab | undefined;
afterEach(() => gitlab?.close());

describe("a release", () => {
  it("is made of a tag with the job's own token, and its notes are written anew", async () => {
    gitlab = await startFakeGitLab({
      project: "41",
      tokens: { "job-token": { kind: "job" } },
      declared: ["POST /projects/:id/releases", "PUT /projects/:id/releases/:tag_name"],
    });
    const env = {
      ...{ GITLAB_CI: "true", CI_API_V4_URL: gitlab.api, CI_PROJECT_ID: "41", CI_COMMIT_SHA: "c0de" },
      ...{ CI_JOB_TOKEN: "job-token", KUBEFILE_GITLAB_TOKEN: "glpat-not-needed" },
    };
    const writing = { job: gitlabJob(env), env, signal };
    const release = { tag: "v1.0.0+a/b", name: "Shop 1.0.0", notes: "# First" };
    expect(await releaseOnGitLab(writing, release)).toBe("created");
    expect(await releaseOnGitLab(writing, { ...release, notes: "# Second" })).toBe("updated");
    expect(Object.fromEntries(gitlab.releases)).toEqual({
      "v1.0.0+a/b": { tag_name: "v1.0.0+a/b", name: "Shop 1.0.0", description: "# Second" },
    });
    expect(gitlab.violations).toEqual([]);
  });

  it("has nowhere to go outside of a job", async () => {
    const released = releaseOnGitLab({ job: undefined, env: {}, signal }, { tag: "v1", name: "v1", notes: "" });
    await expect(released).rejects.toMatchObject({ code: "USAGE" });
  });
});
