import { mkdir, readdir, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Engine } from "../../../src/cluster/engine.ts";
import { labelArguments } from "../../../src/cluster/run-labels.ts";
import { findAbandonedRuns, findRuns, removeRun } from "../../../src/cluster/run-removal.ts";
import { forgetRun, type Keep, openRun } from "../../../src/cluster/run-state.ts";
import { ownerProcess, randomRunId, temporaryDirectory, testEngine, toolsImage } from "./machine.ts";

let engine: Engine;
let state: Awaited<ReturnType<typeof temporaryDirectory>>;
const made: { containers: string[]; networks: string[] } = { containers: [], networks: [] };

beforeAll(async () => {
  engine = await testEngine();
  state = await temporaryDirectory();
});

afterAll(async () => {
  if (made.containers.length > 0) await engine.docker(["rm", "--force", ...made.containers], { allowFailure: true });
  if (made.networks.length > 0) await engine.docker(["network", "rm", ...made.networks], { allowFailure: true });
  await state.remove();
});

/** What a run leaves in the engine: its network, a node on it, a command container. A node need not boot for this. */
async function makeRun(owner: Awaited<ReturnType<typeof ownerProcess>>, keep: Keep = "never") {
  const runId = randomRunId();
  const run = await openRun({ stateDirectory: state.path, runId, owner: owner.identity, keep });
  const name = run.names.cluster;
  const temporary = join(state.path, `${runId}-temporary`);
  await run.addDirectory(temporary);
  await mkdir(temporary);
  await engine.docker(["network", "create", ...labelArguments(run), name]);
  made.networks.push(name);
  await startContainer(`${name}-control-plane`, ["--network", name, "--label", `io.x-k8s.kind.cluster=${name}`]);
  await startContainer(`${name}-command`, labelArguments(run));
  return { runId, run, name, temporary };
}

async function startContainer(name: string, args: readonly string[]): Promise<void> {
  await engine.docker(["run", "--detach", "--name", name, ...args, toolsImage, "sleep", "600"]);
  made.containers.push(name);
}

async function namesInEngine(): Promise<string> {
  const containers = await engine.docker(["ps", "--all", "--format", "{{.Names}}"]);
  return containers.stdout + (await engine.docker(["network", "ls", "--format", "{{.Name}}"])).stdout;
}

test("a killed owner's run is found and removed wholly; everybody else's stays", async () => {
  const owners = [await ownerProcess(), await ownerProcess(), await ownerProcess()] as const;
  const [killed, alive, kept] = [
    await makeRun(owners[0]),
    await makeRun(owners[1]),
    await makeRun(owners[2], "always"),
  ];
  // A cluster that only has a name like ours: no labelled network of ours is behind it.
  const foreign = `kubefile-${killed.runId}`;
  await startContainer(`foreign-${killed.runId}`, ["--label", `io.x-k8s.kind.cluster=${foreign}`]);
  const options = { engine, stateDirectory: state.path };
  await owners[0].kill();
  await owners[2].kill();

  const abandoned = await findAbandonedRuns(options);
  expect(abandoned.filter(({ runId }) => [killed, alive, kept].some((run) => run.runId === runId))).toEqual([
    { runId: killed.runId, owner: "dead", keep: false, recorded: true },
  ]);
  await removeRun(killed.runId, options);

  const left = await namesInEngine();
  expect(left).not.toContain(`${killed.name}-control-plane`);
  expect(left).not.toContain(`${killed.name}-command`);
  expect(left.split("\n")).not.toContain(killed.name);
  expect(left).toContain(`foreign-${killed.runId}`);
  for (const run of [alive, kept]) {
    expect(left).toContain(`${run.name}-control-plane`);
    expect((await stat(run.temporary)).isDirectory()).toBe(true);
  }
  expect((await readdir(state.path)).filter((name) => name.startsWith(killed.runId))).toEqual([]);
  await removeRun(alive.runId, options);
  await removeRun(kept.runId, options);
  expect(await readdir(state.path)).toEqual([]);
  await owners[1].kill();
});

test("without a state file the labels tell whose a run is", async () => {
  const owner = await ownerProcess();
  const { runId, name } = await makeRun(owner);
  await forgetRun(state.path, runId);
  const options = { engine, stateDirectory: state.path };
  const find = async () => (await findRuns(options)).find((run) => run.runId === runId);
  expect(await find()).toEqual({ runId, owner: "alive", keep: false, recorded: false });
  await owner.kill();
  expect(await find()).toEqual({ runId, owner: "dead", keep: false, recorded: false });
  await removeRun(runId, options);
  expect(await namesInEngine()).not.toContain(name);
});

test("a node whose network somebody has removed by hand goes with its run", async () => {
  const owner = await ownerProcess();
  const { runId, name } = await makeRun(owner);
  await owner.kill();
  await engine.docker(["network", "disconnect", "--force", name, `${name}-control-plane`]);
  await engine.docker(["network", "rm", name]);
  // Of that name, but made elsewhere.
  const foreign = `foreign-${runId}`;
  await startContainer(foreign, ["--label", `io.x-k8s.kind.cluster=${name}`]);
  await removeRun(runId, { engine, stateDirectory: state.path });
  const left = await namesInEngine();
  expect(left).not.toContain(`${name}-control-plane`);
  expect(left).toContain(foreign);
});

test("a run of another machine on the same engine is nobody's to remove unasked", async () => {
  const owner = await ownerProcess();
  const elsewhere = { ...owner, identity: { ...owner.identity, host: "elsewhere" } };
  const { runId, run } = await makeRun(elsewhere);
  await forgetRun(state.path, runId);
  await owner.kill();
  const options = { engine, stateDirectory: state.path };
  expect((await findRuns(options)).find((found) => found.runId === runId)?.owner).toBe("unknown");
  expect((await findAbandonedRuns(options)).map((found) => found.runId)).not.toContain(runId);
  await removeRun(run.state.runId, options);
  expect(await namesInEngine()).not.toContain(runId);
});

test("a server process that was left behind on purpose goes with its run", async () => {
  const owner = await ownerProcess();
  const server = await ownerProcess();
  const run = await openRun({
    stateDirectory: state.path,
    runId: randomRunId(),
    owner: owner.identity,
    keep: "always",
  });
  await run.setServer(server.identity);
  await removeRun(run.state.runId, { engine, stateDirectory: state.path });
  expect(() => process.kill(server.identity.pid, 0)).toThrow("ESRCH");
  await owner.kill();
});

test("a node with a frozen pod is removed all the same", async () => {
  const owner = await ownerProcess();
  const { runId, name } = await makeRun(owner);
  await owner.kill();
  const node = `${name}-control-plane`;
  await engine.docker(["exec", "--detach", node, "sleep", "600"]);
  await freezeProcess(node, "sleep 600");
  await removeRun(runId, { engine, stateDirectory: state.path });
  expect(await namesInEngine()).not.toContain(name);
});

/** Freezes the last process of a container with this command, in a cgroup below the container's, as runc does with pods. */
async function freezeProcess(container: string, command: string): Promise<void> {
  const id = (await engine.docker(["inspect", "--format", "{{.Id}}", container])).stdout.trim();
  const processes = (await engine.docker(["top", container, "-eo", "pid,args"])).stdout.split("\n");
  const pid =
    processes
      .filter((line) => line.endsWith(command))
      .at(-1)
      ?.trim()
      .split(" ")[0] ?? "";
  const first = `/sys/fs/cgroup/freezer/docker/${id}`;
  const isFirst = (await stat(first).catch(() => undefined)) !== undefined;
  const directory = join(isFirst ? first : `/sys/fs/cgroup/system.slice/docker-${id}.scope`, "pod");
  await mkdir(directory);
  await writeFile(join(directory, "cgroup.procs"), pid);
  await writeFile(join(directory, isFirst ? "freezer.state" : "cgroup.freeze"), isFirst ? "FROZEN" : "1");
}
