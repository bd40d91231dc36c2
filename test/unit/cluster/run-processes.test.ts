import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { endProcesses } from "../../../src/cluster/run-processes.ts";
import { temporaryDirectories } from "../../support/temporary-directory.ts";

const temporaryDirectory = temporaryDirectories();
const started: ReturnType<typeof spawn>[] = [];
const value = randomBytes(8).toString("hex");
const marker = { name: "KUBEFILE_RUN", value };

afterEach(() => {
  for (const child of started.splice(0)) child.kill("SIGKILL");
});

async function start(
  env: Readonly<Record<string, string>>,
  command = "sleep",
  args: readonly string[] = ["60"],
  options: { readonly argv0?: string; readonly cwd?: string } = {},
) {
  const child = spawn(command, args, { env: { PATH: process.env.PATH, ...env }, stdio: "ignore", ...options });
  started.push(child);
  const ended = once(child, "exit");
  await once(child, "spawn");
  return { child, ended };
}

test("ends the programs that carry a run's marker, and no other", async () => {
  const markers = [marker, { name: "HOME", value: `/state/${value}/home` }];
  const marked = [await start({ KUBEFILE_RUN: value }), await start({ HOME: `/state/${value}/home` })];
  const others = [await start({ KUBEFILE_RUN: `${value}0` }), await start({ OTHER_KUBEFILE_RUN: value })];
  expect(await endProcesses(markers)).toBe(true);
  for (const { ended } of marked) expect(await ended).toEqual([null, "SIGKILL"]);
  expect(await endProcesses(markers)).toBe(false);
  expect(others.map(({ child }) => child.exitCode ?? child.signalCode)).toEqual([null, null]);
});

test("ends what a program starts while it is being ended", async () => {
  const { ended } = await start({ KUBEFILE_RUN: value }, "sh", ["-c", "while :; do sleep 60 & sleep 0.01; done"]);
  expect(await endProcesses([marker])).toBe(true);
  await ended;
  expect(await endProcesses([marker])).toBe(false);
});

test("waits for a docker client that has something made, and for no other", async () => {
  // What counts is the command line: `docker run`, `docker exec`.
  const cwd = await temporaryDirectory();
  await writeFile(join(cwd, "run"), "setTimeout(() => {}, 1_000)");
  await writeFile(join(cwd, "exec"), "setTimeout(() => {}, 60_000)");
  const making = await start({ KUBEFILE_RUN: value }, process.execPath, ["run"], { argv0: "docker", cwd });
  const other = await start({ KUBEFILE_RUN: value }, process.execPath, ["exec"], { argv0: "docker", cwd });
  expect(await endProcesses([marker])).toBe(true);
  expect([await making.ended, await other.ended]).toEqual([
    [0, null],
    [null, "SIGKILL"],
  ]);
});
