import { execFile } from "node:child_process";
import { mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { docker } from "../../support/docker.ts";
import { type ExecutorResult, runInPod } from "../../support/executor-pod.ts";
import { type GitLabProject, gitlabProject, type ReadPipeline } from "../../support/gitlab-pipeline.ts";
import { jobVariables } from "../../support/gitlab-variables.ts";
import { type CommandHome, commandHome } from "../../support/kubefile-command.ts";
import { type RunnerCluster, startRunnerCluster } from "../../support/runner-cluster.ts";
import { startTinyApp, type TinyApp, tinyImage } from "../cleanup/tiny-app.ts";
import { buildJobImage, jobContext, provideBase, serveReleases } from "./job-image.ts";

const jobImage = "kubefile-job:pod";
const engineImage = "kubefile-dind:dev";
const archive = "cluster.tar";
const path = "demo/tiny";

let home: CommandHome;
let cluster: RunnerCluster;
let app: TinyApp;
let pipeline: ReadPipeline;
let variables: Readonly<Record<string, string>>;
let directory: string;
beforeAll(async () => {
  home = await commandHome();
  [cluster] = await Promise.all([startRunnerCluster(), provideImages(home.directory)]);
  await Promise.all([
    cluster.load(jobImage, engineImage),
    cluster.archive(archive, "kindest/node:v1.34.4", "ghcr.io/kubefile-ci/tools:0.1.0"),
  ]);
  app = await startTinyApp(home.directory, cluster.address);
  directory = join(home.directory, "project");
  await mkdir(directory);
  const project = await gitlabProject(directory, home.environment);
  const commit = await commitApplication(project);
  variables = {
    ...jobVariables({ api: "https://gitlab.test/api/v4", registry: app.registry.host, path, password: "" }),
    ...{ CI: "true", CI_PROJECT_DIR: "/builds/shop/tiny", CI_PROJECT_PATH: "shop/tiny", CI_PIPELINE_ID: "7" },
    ...{ CI_COMMIT_SHA: commit, CI_COMMIT_REF_NAME: "main", CI_COMMIT_BRANCH: "main", CI_DEFAULT_BRANCH: "main" },
    ...{ CI_COMMIT_REF_PROTECTED: "true", CI_PIPELINE_SOURCE: "push" },
  };
  const inputs = {
    ...{ executor: "kubernetes", image: jobImage, "engine-image": engineImage, "quiet-window": "2s" },
    ...{ insecure: app.registry.host, mirrors: `docker.io=${app.registry.url}` },
  };
  pipeline = await project.read({ components: [{ name: "build", inputs }], variables });
});
afterAll(async () => {
  await Promise.all([cluster?.stop(), app?.stop()]);
  await home?.remove();
  // What it was made of stays, for the next time.
  await docker("image", "rm", "--no-prune", jobImage).catch(() => "");
  if (cluster === undefined) return;
  const named = ["--filter", `name=${cluster.name}`];
  const containers = await docker("ps", "--all", ...named, "--format", "{{.Names}}");
  expect(containers + (await docker("network", "ls", ...named, "--format", "{{.Name}}"))).toBe("");
});

async function provideImages(below: string): Promise<void> {
  await provideBase();
  await promisify(execFile)(fileURLToPath(new URL("../../setup/dind-image", import.meta.url)), { timeout: 300_000 });
  const releases = await serveReleases(below);
  try {
    await buildJobImage({ tag: jobImage, context: await jobContext(below), arguments: releases.arguments });
  } finally {
    await releases.close();
  }
}

async function commitApplication(project: GitLabProject): Promise<string> {
  const files = ["Kubefile", "manifests/pod.yaml"].map(
    async (name) => [name, await readFile(join(app.context, name), "utf8")] as const,
  );
  return project.commit("application", Object.fromEntries(await Promise.all(files)));
}

/** Runs a job of the component, with what those before it have handed over. */
async function run(name: string, handed: Readonly<Record<string, string>> = {}): Promise<ExecutorResult> {
  const configuration = pipeline.configuration[name] ?? {};
  const { CI_REGISTRY_PASSWORD: _, ...shown } = { ...variables, ...handed };
  return await runInPod(cluster, {
    ...{ name, configuration, variables: shown, secrets: { CI_REGISTRY_PASSWORD: "job-secret" }, sources: directory },
    ...("services" in configuration ? { archive } : {}),
  });
}

test("GitLab's component for kubernetes builds, verifies and promotes in pods with an engine beside the job", async () => {
  const built = await run("kubefile-build");
  expect(built.exitCode, built.log).toBe(0);
  // One network: the gateway of the engine's own is the job.
  expect(built.log).toMatch(/all pulls of the nodes go through 172\.\d+\.0\.1:/);
  expect(built.log).toMatch(new RegExp(`${tinyImage} .* pulled by pod default/tiny container app`));
  expect(built.outputs).toMatchObject({ KUBEFILE_GRADE: "ready" });

  const verified = await run("kubefile-verify", built.outputs);
  expect(verified.exitCode, verified.log).toBe(0);
  expect(verified.log).toContain("1 image from the artifact alone, network cut");

  const promoted = await run("kubefile-promote", built.outputs);
  expect(promoted.exitCode, promoted.log).toBe(0);
  expect(promoted.log).toContain(`new    ${app.registry.host}/${path}:edge`);

  expect({ built: built.left, verified: verified.left }).toEqual({ built: [], verified: [] });
});
