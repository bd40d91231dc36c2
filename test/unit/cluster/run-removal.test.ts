import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, mkdir, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { removeCluster } from "../../../src/cluster/cluster-removal.ts";
import { type Engine, engineFor } from "../../../src/cluster/engine.ts";
import { runMark, runVariable } from "../../../src/cluster/run-labels.ts";
import {
  findAbandonedLocalRuns,
  isRunNameTaken,
  removeAbandonedRun,
  removeRun,
} from "../../../src/cluster/run-removal.ts";
import { openRun, type Run } from "../../../src/cluster/run-state.ts";
import { ownIdentity, type ProcessIdentity, processIdentity } from "../../../src/process/process-identity.ts";
import { temporaryDirectories } from "../../support/temporary-directory.ts";

const temporaryDirectory = temporaryDirectories();
const runId = "demo";

async function deadOwner(): Promise<ProcessIdentity> {
  const child = spawn("sleep", ["60"]);
  await once(child, "spawn");
  const identity = await processIdentity(child.pid ?? 0);
  child.kill("SIGKILL");
  await once(child, "exit");
  if (identity === undefined) throw new Error("the child has no identity");
  return identity;
}

async function abandonedRun(stateDirectory: string, id = runId): Promise<Run> {
  return await openRun({ stateDirectory, runId: id, owner: await deadOwner(), usesEngine: false });
}

describe("an abandoned run", () => {
  test("is removed once, however many are at it", async () => {
    const stateDirectory = await temporaryDirectory();
    const run = await abandonedRun(stateDirectory);
    await mkdir(join(run.names.work, "rootfs"), { recursive: true });
    const found = await findAbandonedLocalRuns(stateDirectory);
    expect(found).toEqual([{ runId, recorded: true }]);
    const removals = [1, 2, 3].map(() => removeAbandonedRun({ runId, recorded: true }, { stateDirectory }));
    expect((await Promise.all(removals)).sort()).toEqual([false, false, true]);
    expect(await readdir(stateDirectory)).toEqual([]);
  });

  test("whose name is another run's by now is left alone", async () => {
    const stateDirectory = await temporaryDirectory();
    await abandonedRun(stateDirectory);
    const [found] = await findAbandonedLocalRuns(stateDirectory);
    if (found === undefined) throw new Error("it was not found");
    await removeRun(runId, { stateDirectory });
    const next = await openRun({ stateDirectory, runId, owner: await ownIdentity() });
    await mkdir(next.names.work);
    expect(await removeAbandonedRun(found, { stateDirectory })).toBe(false);
    expect((await readdir(stateDirectory)).sort()).toEqual(["demo", "demo.json"]);
    expect(await readdir(next.names.directory)).toEqual(["work"]);
  });

  test("takes its programs with it, and none of those that somebody has at work for a run of the same name", async () => {
    const stateDirectory = await temporaryDirectory();
    const { state } = await abandonedRun(stateDirectory, `demo-${process.pid}`);
    const program = async (runName: string, owner: ProcessIdentity): Promise<ChildProcess> => {
      const child = spawn("sleep", ["60"], { env: { PATH: process.env.PATH, [runVariable]: runMark(runName, owner) } });
      await once(child, "spawn");
      return child;
    };
    const orphan = await program(state.runId, state.owner);
    const others = [await program(state.runId, await ownIdentity()), await program(`${state.runId}-2`, state.owner)];
    const ended = once(orphan, "exit");
    await removeAbandonedRun({ runId: state.runId, recorded: true }, { stateDirectory });
    expect(await ended).toEqual([null, "SIGKILL"]);
    expect(others.map(({ exitCode, signalCode }) => exitCode ?? signalCode)).toEqual([null, null]);
    for (const child of others) child.kill("SIGKILL");
  });

  test("says what of it cannot be removed, and stays for another try", async () => {
    const stateDirectory = await temporaryDirectory();
    const run = await abandonedRun(stateDirectory);
    // Nothing is below a file.
    await run.addDirectory("/dev/null/temporary");
    await expect(removeAbandonedRun({ runId, recorded: true }, { stateDirectory })).rejects.toMatchObject({
      code: "CLUSTER_FAILED",
      message: expect.stringMatching(/^run demo could not be removed wholly: .*\/dev\/null\/temporary/),
    });
    expect((await readdir(stateDirectory)).sort()).toEqual(["demo", "demo.json"]);
  });
});

/** A docker client of a few lines of shell. */
async function engineOf(script: string): Promise<{ readonly engine: Engine; readonly directory: string }> {
  const directory = await temporaryDirectory();
  await writeFile(join(directory, "docker"), `#!/bin/sh\ncd ${directory}\n${script}\n`);
  await chmod(join(directory, "docker"), 0o755);
  return { engine: engineFor({ PATH: `${directory}:/usr/bin:/bin` }), directory };
}

test("a name is free again when its run was killed, and in use while it goes on or when its cluster was kept", async () => {
  const { engine } = await engineOf("exit 0");
  const stateDirectory = await temporaryDirectory();
  const dead = await deadOwner();
  await openRun({ stateDirectory, runId: "killed", owner: dead, keep: "on success" });
  await openRun({ stateDirectory, runId: "kept", owner: dead, keep: "always" });
  await openRun({ stateDirectory, runId: "going", owner: await ownIdentity(), keep: "on success" });
  const names = ["killed", "kept", "going", "none"];
  const taken = await Promise.all(names.map((name) => isRunNameTaken(name, { engine, stateDirectory })));
  expect(taken).toEqual([false, true, true, false]);
});

describe("an engine that does not answer", () => {
  const failing = 'echo "Cannot connect to the Docker daemon" >&2; exit 1';

  test("is asked again for a while when there is patience: it may be about to start", async () => {
    const { engine } = await engineOf(`[ -e up ] || { (sleep 1.5; : > up) > up.log 2>&1 & ${failing}; }`);
    const stateDirectory = await temporaryDirectory();
    await openRun({ stateDirectory, runId, owner: await ownIdentity() });
    const failure = { code: "CLUSTER_FAILED", message: expect.stringContaining("Cannot connect to the Docker daemon") };
    await expect(removeRun(runId, { engine, stateDirectory })).rejects.toMatchObject(failure);
    await removeRun(runId, { engine, stateDirectory, patience: 10_000 });
    expect(await readdir(stateDirectory)).toEqual([]);
  });

  test("leaves no client behind that is still asking it", async () => {
    const asking = "case $* in network*) : > asked; sleep 1; : > answered;; *)";
    const { engine, directory } = await engineOf(
      `${asking} while [ ! -e asked ]; do sleep 0.1; done; ${failing};; esac`,
    );
    await expect(removeCluster(runId, { engine, stateDirectory: directory })).rejects.toMatchObject({
      code: "COMMAND_FAILED",
    });
    expect(await readdir(directory)).toContain("answered");
  });
});
