import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { expect, test } from "vitest";
import { endProcesses } from "../../../src/cluster/run-processes.ts";

async function sleeper(env: Readonly<Record<string, string>>) {
  const child = spawn("sleep", ["60"], { env: { PATH: process.env.PATH, ...env }, stdio: "ignore" });
  await once(child, "spawn");
  return child;
}

test("ends the programs that carry a run's marker, and no other", async () => {
  const value = randomBytes(8).toString("hex");
  const marked = [await sleeper({ KUBEFILE_RUN: value }), await sleeper({ HOME: `/state/${value}/home` })];
  const others = [await sleeper({ KUBEFILE_RUN: `${value}0` }), await sleeper({ OTHER_KUBEFILE_RUN: value })];
  const ended = marked.map((child) => once(child, "exit"));
  const markers = [
    { name: "KUBEFILE_RUN", value },
    { name: "HOME", value: `/state/${value}/home` },
  ];
  expect(await endProcesses(markers)).toBe(true);
  expect((await Promise.all(ended)).map(([, signal]) => signal)).toEqual(["SIGKILL", "SIGKILL"]);
  expect(await endProcesses(markers)).toBe(false);
  expect(others.map((child) => child.exitCode ?? child.signalCode)).toEqual([null, null]);
  for (const child of others) child.kill("SIGKILL");
});
