import { describe, expect, it } from "vitest";
import { jobCredentials, jobSecrets } from "../../../src/platform/gitlab-credentials.ts";

const job = {
  GITLAB_CI: "true",
  CI_JOB_TOKEN: "job-token-1",
  CI_REGISTRY: "registry.gitlab.example:5050",
  CI_REGISTRY_USER: "gitlab-ci-token",
  CI_REGISTRY_PASSWORD: "job-token-1",
  CI_DEPENDENCY_PROXY_SERVER: "gitlab.example:443",
  CI_DEPENDENCY_PROXY_USER: "gitlab-ci-token",
  CI_DEPENDENCY_PROXY_PASSWORD: "job-token-2",
};

describe("a job's credentials", () => {
  it.each([
    ["registry.gitlab.example:5050", "job-token-1"],
    ["gitlab.example:443", "job-token-2"],
    ["gitlab.example", "job-token-2"],
  ])("are offered to %s", async (host, password) => {
    const found = await jobCredentials(job).credentials({ host, path: "shop/app" });
    expect(found).toEqual([{ username: "gitlab-ci-token", password }]);
  });

  it.each([
    "registry.gitlab.example",
    "registry.gitlab.example:443",
    "evil-registry.gitlab.example:5050",
    "registry.gitlab.example:5050.evil.net",
    "gitlab.example:8443",
    "docker.io",
  ])("are not offered to %s", async (host) => {
    expect(await jobCredentials(job).credentials({ host, path: "shop/app" })).toEqual([]);
  });

  it.each([
    ["outside of GitLab", { GITLAB_CI: undefined, CI_DEPENDENCY_PROXY_SERVER: undefined }],
    ["where a project has no registry", { CI_REGISTRY: "", CI_DEPENDENCY_PROXY_SERVER: "" }],
    ["for a registry that is none", { CI_REGISTRY: "https://registry/", CI_DEPENDENCY_PROXY_SERVER: "a/b" }],
    ["without a password", { CI_REGISTRY_PASSWORD: "", CI_DEPENDENCY_PROXY_PASSWORD: "" }],
  ])("are none %s", (_where, changed) => {
    expect(jobCredentials({ ...job, ...changed }).hosts).toEqual([]);
  });
});

it("a job's tokens are secrets", () => {
  expect(jobSecrets({ ...job, KUBEFILE_GITLAB_TOKEN: "glpat-1" }).sort()).toEqual([
    "glpat-1",
    "job-token-1",
    "job-token-1",
    "job-token-2",
  ]);
});
