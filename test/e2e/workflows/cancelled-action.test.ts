import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { node24 } from "../../support/action-run.ts";
import { type CountingProxy, startCountingProxy } from "../../support/counting-proxy.ts";
import { buildImage, buildLayer } from "../../support/image-builder.ts";
import { uploadImage } from "../../support/image-upload.ts";
import { type CommandHome, commandHome } from "../../support/kubefile-command.ts";
import { fetchImage } from "../../support/registry-walk.ts";
import { startTinyApp, type TinyApp } from "../cleanup/tiny-app.ts";
import { findRemains, type Traces, takeTraces } from "../cleanup/traces.ts";

let home: CommandHome;
let app: TinyApp;
let runner: string;
/** Before the registry: what is sent there is long on its way, so that a push can be met in it. */
let slow: CountingProxy;
let uploads = 0;

beforeAll(async () => {
  home = await commandHome();
  app = await startTinyApp(home.directory);
  slow = await startCountingProxy(app.registry.host, async (method, url) => {
    if (method === "POST") uploads += 1;
    if (method === "POST" || (method === "PUT" && url.includes("/manifests/"))) await sleep(1_200);
    return undefined;
  });
  runner = join(home.directory, "runner");
  await mkdir(runner);
});
afterAll(async () => {
  await Promise.all([slow?.stop(), app?.stop()]);
  await home?.remove();
});

/** One step of a job: a bundle on Node 24 with the environment that a runner gives it. */
async function startStep(name: string, env: Readonly<Record<string, string>>) {
  const child = spawn(await node24(), [join(inject("release"), "dist", `${name}.js`)], {
    env: {
      ...home.environment,
      ...{ CI: "true", GITHUB_ACTIONS: "true", GITHUB_WORKSPACE: app.context, RUNNER_TEMP: runner },
      ...{ GITHUB_STATE: join(runner, "state"), GITHUB_OUTPUT: join(runner, "output") },
      ...env,
    },
    cwd: app.context,
    stdio: ["ignore", "pipe", "pipe"],
  });
  let log = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (chunk: string) => {
      log += chunk;
    });
  }
  return { child, log: () => log, ended: once(child, "close") };
}

type Step = Awaited<ReturnType<typeof startStep>>;

/** Of every build here. */
function inputs(): Record<string, string> {
  return {
    ...{ INPUT_CONTEXT: ".", INPUT_MIRRORS: `docker.io=${app.registry.url}`, INPUT_STORE: home.store },
    ...{ "INPUT_QUIET-WINDOW": "2s", "INPUT_FAILURE-BUNDLE": "false" },
  };
}

async function run(name: string, env: Readonly<Record<string, string>> = {}): Promise<string> {
  const step = await startStep(name, env);
  const [exitCode] = await step.ended;
  expect(exitCode, step.log()).toBe(0);
  return step.log();
}

/** GitHub's runner: an interrupt, a request to end 7.5 s later, and after 2.5 s more the end. */
const patient = [
  ["SIGINT", 7_500],
  ["SIGTERM", 2_500],
  ["SIGKILL", 0],
] as const;
const killed = [["SIGKILL", 0]] as const;

// Drawn once: a failure can be met again.
test.each([
  ["cancelled by its runner while the cluster boots", "kind cluster", 2_731, patient],
  ["killed while the cluster boots", "kind cluster", 5_417, killed],
])("a build %s leaves nothing once its job has ended", async (_, phase, delay, signals) => {
  await writeFile(join(runner, "state"), "");
  const step = await startStep("build", { ...inputs(), "INPUT_NO-CACHE": "true" });
  while (!step.log().includes(phase) && step.child.exitCode === null) await sleep(100);
  await sleep(delay);
  const traces = await takeTraces(home);
  expect(traces).toHaveLength(1);
  await end(step, signals);
  await afterTheJob(traces);
  expect(await run("clean")).not.toContain(traces[0]?.runId);
});

/** Sends a step its signals until it has ended. */
async function end(step: Step, signals: typeof patient | typeof killed): Promise<void> {
  for (const [signal, pause] of signals) {
    step.child.kill(signal);
    await Promise.race([step.ended, sleep(pause)]);
    if (step.child.exitCode !== null || step.child.signalCode !== null) break;
  }
  await step.ended;
}

/** The step that a runner takes when the job has ended, however it did. */
async function afterTheJob(traces: readonly Traces[]): Promise<void> {
  const [, state = ""] = /^run<<(\S+)\n(\w+)\n\1$/m.exec(await readFile(join(runner, "state"), "utf8"))?.slice(1) ?? [];
  // A build that needs no engine has nothing to be looked for.
  for (const { runId } of traces) expect(runId).toBe(state);
  expect(await run("teardown", { STATE_run: state })).toContain(`nothing of run ${state} is left`);
  expect(await findRemains(home, traces)).toEqual([]);
}

describe("a build that is cancelled in its push", () => {
  /** What the tags name before, and what the build gives them. */
  let before: string;
  let after: string;
  const tagged = (repository: string): Record<string, string> => ({
    ...{ ...inputs(), INPUT_CAPTURE: "static", INPUT_PUSH: "true" },
    ...{ INPUT_TAGS: `${slow.host}/${repository}:edge\n${slow.host}/${repository}:pr-12` },
  });
  const digestOf = async (repository: string, tag: string): Promise<string | null> => {
    const headers = { accept: "application/vnd.oci.image.manifest.v1+json" };
    const answer = await fetch(`${app.registry.url}/v2/${repository}/manifests/${tag}`, { method: "HEAD", headers });
    return answer.headers.get("docker-content-digest");
  };
  const old = async (repository: string): Promise<void> => {
    const layer = await buildLayer([{ path: "old", content: "old" }]);
    const image = buildImage({ format: "oci", layers: [layer], entrypoint: ["/old"] });
    for (const tag of ["edge", "pr-12"]) await uploadImage(app.registry, repository, tag, image);
    before = image.root.digest;
  };

  beforeAll(async () => {
    await old("demo/whole");
    await run("build", tagged("demo/whole"));
    after = (await digestOf("demo/whole", "edge")) ?? "";
    expect(after).not.toBe(before);
  });

  test.each([
    ["cancelled", 310, patient],
    ["killed", 2_930, killed],
    ["cancelled", 5_260, patient],
    ["killed", 7_480, killed],
  ])("%s %i ms after it began to send leaves each tag whole, and nothing else", async (how, delay, signals) => {
    const repository = `demo/${how}-${delay}`;
    await old(repository);
    await writeFile(join(runner, "state"), "");
    uploads = 0;
    const step = await startStep("build", tagged(repository));
    while (uploads === 0 && step.child.exitCode === null) await sleep(20);
    await sleep(delay);
    const traces = await takeTraces(home);
    await end(step, signals);
    await afterTheJob(traces);
    const tags = await Promise.all(["edge", "pr-12"].map((tag) => digestOf(repository, tag)));
    for (const digest of tags) expect([before, after]).toContain(digest);
    if (tags.includes(after)) expect((await fetchImage(app.registry, repository, after)).size).toBeGreaterThan(2);
    process.stdout.write(
      `${how} after ${delay} ms: ${tags.map((digest) => (digest === after ? "new" : "old")).join(", ")}\n`,
    );
  });

  test("is made good by the next one, and a closed request loses its tag alone", async () => {
    const repository = "demo/cancelled-310";
    await run("build", tagged(repository));
    expect(await Promise.all(["edge", "pr-12"].map((tag) => digestOf(repository, tag)))).toEqual([after, after]);
    const cleaning = { "INPUT_PULL-REQUEST": "12", INPUT_REPOSITORIES: `${slow.host}/${repository}` };
    expect(await run("clean", cleaning)).toContain(`removed ${slow.host}/${repository}:pr-12`);
    expect([await digestOf(repository, "edge"), await digestOf(repository, "pr-12")]).toEqual([after, null]);
  });
});
