import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { PipelineResult } from "../../support/gitlab-pipeline.ts";
import { type ShellProject, shellProject } from "./shell-project.ts";

let project: ShellProject;
beforeAll(async () => {
  project = await shellProject([
    "GET /user",
    "GET /projects/:id/merge_requests/:iid/notes",
    "POST /projects/:id/merge_requests/:iid/notes",
    "POST /projects/:id/statuses/:sha",
    "POST /projects/:id/releases",
  ]);
});
afterAll(async () => {
  await project?.stop();
});

const failing = "FROM scratch\nCOPY manifests manifests/\nCMD kubectl apply -f manifests/pod.yaml\nCMD false\n";

/** What a job handed to later ones. */
async function outputs(run: PipelineResult, job: string, directory: string): Promise<Record<string, string>> {
  const text = await run.artifact(job, `.kubefile/${directory}/outputs.env`);
  return Object.fromEntries(text.split("\n").flatMap((line) => (line === "" ? [] : [line.split("=", 2)])));
}

describe("build.yml", () => {
  let run: PipelineResult;
  beforeAll(async () => {
    run = await project.run("build");
    expect(run.exitCode, run.log).toBe(0);
  });

  test("builds, verifies what it has pushed by its digest, and then gives it the names of its commit", async () => {
    const { KUBEFILE_DIGEST: digest = "", ...rest } = await outputs(run, "kubefile-build", "build");
    expect(rest).toMatchObject({
      KUBEFILE_GRADE: "ready",
      KUBEFILE_REFERENCE: `${project.registry.host}/shop/tiny@${digest}`,
    });
    expect(run.logOf("kubefile-verify")).toContain("1 image from the artifact alone, network cut");
    const names = [`sha-${project.first.commit.slice(0, 12)}`, "main", "edge"];
    expect(await project.tags()).toEqual(Object.fromEntries(names.map((name) => [name, digest])));
    expect(project.written()).toEqual([digest, ...names]);
  });

  test("marks the commit, and writes nothing to a request where there is none", () => {
    expect(project.gitlab.statuses.get("kubefile/verify")).toMatchObject({
      state: "success",
      fields: {
        description: "passed: it starts with the network cut",
        target_url: expect.stringMatching(/jobs\/\d+$/),
      },
    });
    expect(project.gitlab.calls).toEqual(["POST /projects/:id/statuses/:sha"]);
    expect(project.gitlab.violations).toEqual([]);
  });

  test("keeps reports, a summary and the verdict as artifacts", async () => {
    const build = (file: string): Promise<string> => run.artifact("kubefile-build", `.kubefile/build/${file}`);
    expect(JSON.parse(await build("code-quality.json"))).toEqual([]);
    expect(JSON.parse(await build("report.json"))).toMatchObject({ grade: "ready" });
    expect(JSON.parse(await build("metadata.json"))).toHaveProperty(["containerimage.digest"]);
    expect(await build("summary.md")).toContain("docker.io/tiny/app:1");
    expect(await run.artifact("kubefile-verify", ".kubefile/verify/summary.md")).toContain("verified");
  });

  test("folds its log, shows no secret in it, and leaves nothing on the engine", async () => {
    expect(run.log).toMatch(/kubefile_\d+_launch took \d+ms/);
    expect(run.log).not.toMatch(/canary-5ec4e7|glpat-robot/);
    expect(await project.left()).toEqual([]);
  });
});

test("release.yml gives the image that was verified its version and writes the release, without a cluster", async () => {
  const { edge } = await project.tags();
  const run = await project.run("release", {
    variables: { CI_COMMIT_TAG: "v1.2.0", CI_COMMIT_REF_NAME: "v1.2.0" },
    without: ["CI_COMMIT_BRANCH"],
  });
  expect(run.exitCode, run.log).toBe(0);
  expect(run.log).not.toContain("* kind cluster");
  expect(await project.tags()).toMatchObject({ "1.2.0": edge, "1.2": edge, "1": edge, latest: edge });
  expect(project.gitlab.releases.get("v1.2.0")).toMatchObject({ description: expect.stringContaining(edge ?? "none") });
  expect(project.gitlab.violations).toEqual([]);
});

test("verify.yml verifies any image", async () => {
  const run = await project.run("verify", { inputs: { reference: "$CI_REGISTRY_IMAGE:edge" } });
  expect(run.exitCode, run.log).toBe(0);
  const { edge } = await project.tags();
  expect(await outputs(run, "kubefile-verify-image", "verify")).toEqual({
    KUBEFILE_DIGEST: edge,
    KUBEFILE_VERDICT: "passed",
  });
});

test("build.yml moves no tag when the image does not start with the network cut, and says so on the commit", async () => {
  const before = await project.tags();
  project.commit("broken", { Kubefile: failing });
  const run = await project.run("build", { inputs: { capture: "static" } });
  expect(run.exitCode, run.log).toBe(1);
  expect(run.logOf("kubefile-promote")).toBe("");
  expect(await project.tags()).toEqual(before);
  expect(project.gitlab.statuses.get("kubefile/verify")).toMatchObject({
    state: "failed",
    fields: { description: expect.stringMatching(/^failed: .*false/) },
  });
  expect(await run.artifact("kubefile-verify", ".kubefile/verify/summary.md")).toContain("❌");
  expect(await project.left()).toEqual([]);
});

const request = {
  ...{ CI_PIPELINE_SOURCE: "merge_request_event", CI_MERGE_REQUEST_IID: "12", CI_MERGE_REQUEST_PROJECT_ID: "41" },
  CI_COMMIT_REF_PROTECTED: "false",
};

describe("preview.yml", () => {
  let run: PipelineResult;
  beforeAll(async () => {
    // As a change does, one that needs no rehearsal.
    project.commit("mended", { ...project.first.files, "README.md": "no part of the image\n" });
    run = await project.run("preview", {
      inputs: { test: 'grep --quiet server: "$KUBECONFIG" && echo reached', push: true },
      ...{ variables: request, without: ["CI_COMMIT_BRANCH"] },
    });
    expect(run.exitCode, run.log).toBe(0);
  });

  test("launches a merge request's image, runs its test, and writes one note and a mark", async () => {
    expect(project.gitlab.notes).toHaveLength(1);
    expect(project.gitlab.notes[0]?.body).toMatch(/^<!-- kubefile:preview -->\n### ✅ Preview passed\n/);
    expect(project.gitlab.notes[0]?.body).toContain("reached");
    expect(await run.artifact("kubefile-preview-run", ".kubefile/preview/summary.md")).toContain("Preview passed");
    expect(project.gitlab.statuses.get("kubefile/preview")).toMatchObject({ state: "success" });
    expect(await outputs(run, "kubefile-preview-run", "preview")).toMatchObject({
      ...{ KUBEFILE_VERDICT: "passed", KUBEFILE_URL: expect.stringMatching(/^https:.*jobs/) },
      KUBEFILE_COMMENT_URL: expect.stringMatching(/merge_requests\/12#note_300$/),
    });
    expect(project.gitlab.violations).toEqual([]);
    expect(await project.left()).toEqual([]);
  });

  test("is cleaned up after when its request is closed: its tag and its records go, and nothing else", async () => {
    const before = await project.tags();
    expect(before).toHaveProperty("mr-12");
    await project.keepRecord("mr-12");
    expect((await project.records()).filter((tag) => tag.startsWith("mr-12"))).not.toEqual([]);
    const told = await project.run("clean", {
      ...{ inputs: { "dry-run": true }, variables: { KUBEFILE_MERGE_REQUEST: "12" } },
    });
    expect(told.exitCode, told.log).toBe(0);
    expect(told.log).toContain(`would remove ${project.registry.host}/shop/tiny:mr-12`);
    expect(await project.tags()).toEqual(before);
    const stopped = await project.run("preview", {
      ...{ job: "kubefile-preview-stop", variables: request, without: ["CI_COMMIT_BRANCH"] },
    });
    expect(stopped.exitCode, stopped.log).toBe(0);
    const { "mr-12": _closed, ...rest } = before;
    expect(await project.tags()).toEqual(rest);
    expect((await project.records()).filter((tag) => tag.startsWith("mr-12"))).toEqual([]);
    expect(await project.records()).not.toEqual([]);
  });
});
