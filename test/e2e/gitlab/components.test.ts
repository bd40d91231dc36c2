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
    expect(rest).toEqual({
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

test("release.yml gives the image that was verified its version, without a cluster", async () => {
  const { edge } = await project.tags();
  const started = Date.now();
  const run = await project.run("release", {
    variables: { CI_COMMIT_TAG: "v1.2.0", CI_COMMIT_REF_NAME: "v1.2.0" },
    without: ["CI_COMMIT_BRANCH"],
  });
  expect(run.exitCode, run.log).toBe(0);
  expect(Date.now() - started).toBeLessThan(20_000);
  expect(await project.tags()).toMatchObject({ "1.2.0": edge, "1.2": edge, "1": edge, latest: edge });
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

test("preview.yml launches a merge request, runs its test, and writes one note and a mark", async () => {
  project.commit("mended", project.first.files);
  const run = await project.run("preview", {
    inputs: { test: 'grep --quiet server: "$KUBECONFIG" && echo reached' },
    variables: {
      CI_PIPELINE_SOURCE: "merge_request_event",
      CI_MERGE_REQUEST_IID: "12",
      CI_MERGE_REQUEST_PROJECT_ID: "41",
    },
    without: ["CI_COMMIT_BRANCH"],
  });
  expect(run.exitCode, run.log).toBe(0);
  expect(project.gitlab.notes).toHaveLength(1);
  expect(project.gitlab.notes[0]?.body).toMatch(/^<!-- kubefile:preview -->\n### ✅ Preview passed\n/);
  expect(await run.artifact("kubefile-preview-run", ".kubefile/preview/summary.md")).toContain("Preview passed");
  expect(project.gitlab.statuses.get("kubefile/preview")).toMatchObject({ state: "success" });
  expect(project.gitlab.violations).toEqual([]);
  expect(await project.left()).toEqual([]);
});

test("clean.yml removes what an interrupted job left", async () => {
  const run = await project.run("clean", { variables: { CI_PIPELINE_SOURCE: "schedule" } });
  expect(run.exitCode, run.log).toBe(0);
});
