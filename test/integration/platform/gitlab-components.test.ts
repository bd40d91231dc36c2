import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, test } from "vitest";
import { type Component, type GitLabProject, gitlabProject } from "../../support/gitlab-pipeline.ts";

let directory: string;
let project: GitLabProject;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "kubefile-components-"));
  project = await gitlabProject(directory, { PATH: process.env.PATH ?? "", HOME: directory });
});
afterAll(async () => {
  await rm(directory, { recursive: true, force: true });
});

/** Each of them with the inputs that it cannot do without. */
const components: readonly Component[] = [
  { name: "build" },
  { name: "release" },
  { name: "preview" },
  { name: "verify", inputs: { reference: "$KUBEFILE_REFERENCE" } },
  { name: "clean" },
];
const executors = ["docker", "kubernetes", "shell"] as const;

describe("components", () => {
  it("are what GitLab's own schema allows, with each executor and as often as one likes", async () => {
    const every = components.flatMap((component) =>
      component.name === "clean"
        ? [component]
        : executors.flatMap((executor) =>
            [true, false].map((tls) => ({
              ...component,
              inputs: {
                ...{ executor, "engine-tls": tls, "runner-tags": ["privileged"] },
                ...{ "job-prefix": `${component.name}-${executor}-${tls ? "tls" : "plain"}`, ...component.inputs },
              },
            })),
          ),
    );
    const { configuration } = await project.read({ components: every, variables: {} });
    const address = (prefix: string): unknown => configuration[`${prefix}-run`]?.variables;
    expect(address("preview-docker-tls")).toMatchObject({ DOCKER_HOST: "tcp://docker:2376", DOCKER_TLS_VERIFY: "1" });
    expect(address("preview-docker-plain")).toMatchObject({ DOCKER_HOST: "tcp://docker:2375" });
    expect(address("preview-kubernetes-tls")).toMatchObject({ DOCKER_HOST: "tcp://localhost:2376" });
    expect(address("preview-kubernetes-plain")).toMatchObject({ DOCKER_HOST: "tcp://localhost:2375" });
    expect(address("preview-shell-tls")).not.toHaveProperty("DOCKER_HOST");
    expect(configuration["preview-shell-tls-run"]).not.toHaveProperty("services");
  });

  it("take of a project's defaults what is about all jobs, and nothing that is about its own", async () => {
    const own = {
      image: "node:24",
      services: ["postgres:18"],
      before_script: ["npm ci"],
      after_script: ["npm run end"],
    };
    const overrides = { default: { ...own, cache: { paths: ["node_modules/"] }, retry: 1 } };
    const { configuration } = await project.read({ components, overrides, variables: {} });
    for (const [name, job] of Object.entries(configuration).filter(([, { script }]) => script !== undefined)) {
      const text = JSON.stringify(job);
      expect([name, /npm|postgres|node:24|node_modules/.exec(text)?.[0], job.retry]).toEqual([
        name,
        undefined,
        expect.anything(),
      ]);
    }
  });

  it.each([
    ["executor", "ssh"],
    ["job-prefix", "a b"],
    ["timeout", "10"],
    ["engine-tls", "maybe"],
  ])("refuse as %s what it cannot be", async (name, value) => {
    const inputs = { [name]: value };
    await expect(project.read({ components: [{ name: "build", inputs }], variables: {} })).rejects.toThrow(name);
  });

  const branch = { CI_COMMIT_REF_PROTECTED: "false" };
  const pipelines: readonly (readonly [
    string,
    Readonly<Record<string, string>>,
    readonly string[],
    readonly string[],
  ])[] = [
    ["the default branch", branch, [], ["kubefile-build", "kubefile-verify", "kubefile-promote"]],
    ["another branch", { ...branch, CI_COMMIT_BRANCH: "topic" }, [], []],
    [
      "a protected branch",
      { CI_COMMIT_BRANCH: "stable", CI_COMMIT_REF_PROTECTED: "true" },
      [],
      ["kubefile-build", "kubefile-verify", "kubefile-promote"],
    ],
    ["a version", { CI_COMMIT_TAG: "v1.2.3" }, ["CI_COMMIT_BRANCH"], ["kubefile-release-promote"]],
    ["a tag that is no version", { CI_COMMIT_TAG: "nightly" }, ["CI_COMMIT_BRANCH"], []],
    [
      "a merge request",
      { CI_PIPELINE_SOURCE: "merge_request_event", CI_MERGE_REQUEST_IID: "12" },
      ["CI_COMMIT_BRANCH"],
      ["kubefile-preview-run", "kubefile-preview-stop"],
    ],
    [
      "one for a closed request",
      { KUBEFILE_MERGE_REQUEST: "12", CI_COMMIT_BRANCH: "topic" },
      [],
      ["kubefile-clean-merge-request"],
    ],
    ["a schedule", { CI_PIPELINE_SOURCE: "schedule", CI_COMMIT_BRANCH: "topic" }, [], ["kubefile-clean-runner"]],
  ];
  test.each(pipelines)("a pipeline of %s has the jobs that are for it", async (_, variables, without, jobs) => {
    const all = components.filter(({ name }) => name !== "verify");
    expect((await project.read({ components: all, variables, without })).jobs).toEqual(jobs);
  });
});
