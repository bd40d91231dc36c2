import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdir, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import {
  formatIdentity,
  liveness,
  type ProcessIdentity,
  parseIdentity,
  processIdentity,
} from "../../../src/cluster/process-identity.ts";
import { forgetRun, openRun, readRun, readRuns, runNames } from "../../../src/cluster/run-state.ts";
import { temporaryDirectories } from "../../support/temporary-directory.ts";

const temporaryDirectory = temporaryDirectories();

async function self(): Promise<ProcessIdentity> {
  const identity = await processIdentity(process.pid);
  if (identity === undefined) throw new Error("this process has no identity");
  return identity;
}

describe("a run's state", () => {
  test("is on disk when the run opens, and open again it is the same", async () => {
    const stateDirectory = join(await temporaryDirectory(), "state");
    const owner = await self();
    const run = await openRun({ stateDirectory, runId: "abc123", owner, now: () => new Date(0) });
    expect(await readRun(stateDirectory, "abc123")).toEqual({
      ...{ version: 1, runId: "abc123", owner, keep: false, directories: [] },
      createdAt: "1970-01-01T00:00:00.000Z",
    });
    expect((await stat(stateDirectory)).mode & 0o777).toBe(0o700);
    await run.addDirectory("/tmp/one");
    const again = await openRun({ stateDirectory, runId: "abc123", owner, keep: true });
    expect(again.state).toEqual(run.state);
    expect(again.state.keep).toBe(false);
  });

  test("loses nothing when several things are recorded at once, by two openers", async () => {
    const stateDirectory = await temporaryDirectory();
    const owner = await self();
    const one = await openRun({ stateDirectory, runId: "abc123", owner });
    await Promise.all(["/a", "/b", "/c", "/a"].map((path) => one.addDirectory(path)));
    const other = await openRun({ stateDirectory, runId: "abc123", owner });
    await other.setServer(owner);
    await one.addDirectory("/d");
    expect(await readRun(stateDirectory, "abc123")).toMatchObject({
      directories: ["/a", "/b", "/c", "/d"],
      server: owner,
    });
  });

  test("is forgotten with its files", async () => {
    const stateDirectory = await temporaryDirectory();
    const run = await openRun({ stateDirectory, runId: "abc123", owner: await self() });
    await writeFile(run.names.kubeconfig, "secret");
    await forgetRun(stateDirectory, "abc123");
    await forgetRun(stateDirectory, "abc123");
    expect(await readdir(stateDirectory)).toEqual([]);
  });

  test("a file that is no state is no run", async () => {
    const stateDirectory = await temporaryDirectory();
    const owner = await self();
    await openRun({ stateDirectory, runId: "good", owner });
    const text = await readFile(join(stateDirectory, "good.json"), "utf8");
    const broken: Record<string, string> = {
      empty: "",
      cut: text.slice(0, 40),
      other: text,
      list: "[]",
      version: text.replace('"version": 1', '"version": 2').replace("good", "version"),
      relative: text.replace('"directories": []', '"directories": ["../.."]').replace("good", "relative"),
    };
    for (const [name, content] of Object.entries(broken))
      await writeFile(join(stateDirectory, `${name}.json`), content);
    expect((await readRuns(stateDirectory)).map((state) => state.runId)).toEqual(["good"]);
  });

  test.each(["../x", "A", "", "-a", "a-", "a/b", "a".repeat(41)])("%j is no run id", (runId) => {
    expect(() => runNames("/state", runId)).toThrow("run id");
  });
});

describe("a process's identity", () => {
  test("survives being written as a label", async () => {
    const identity = await self();
    expect(parseIdentity(formatIdentity(identity))).toEqual(identity);
    for (const text of ["", "a/b", "h/b/n/zero/1", "h/b/n/1/2/3"]) expect(parseIdentity(text)).toBeUndefined();
  });

  test("is alive while it runs, dead after, and dead when its id means another process", async () => {
    const child = spawn("sleep", ["60"]);
    await once(child, "spawn");
    const identity = await processIdentity(child.pid ?? 0);
    if (identity === undefined) throw new Error("the child has no identity");
    expect(await liveness(identity)).toBe("alive");
    expect(await liveness({ ...identity, started: "1" })).toBe("dead");
    child.kill("SIGKILL");
    await once(child, "exit");
    expect(await liveness(identity)).toBe("dead");
  });

  test("of another machine or container cannot be judged; of an earlier boot only on one's own disk", async () => {
    const identity = await self();
    expect(await liveness({ ...identity, host: "elsewhere" })).toBe("unknown");
    expect(await liveness({ ...identity, namespace: "pid:[1]" })).toBe("unknown");
    expect(await liveness({ ...identity, bootId: "earlier" })).toBe("dead");
    expect(await liveness({ ...identity, bootId: "earlier" }, "unknown")).toBe("unknown");
  });
});
