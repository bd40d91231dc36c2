import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, readdir, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { forgetRun, type Keep, openRun, readRun, readRuns, runNames } from "../../../src/cluster/run-state.ts";
import { sweepStateDirectory } from "../../../src/cluster/state-sweep.ts";
import {
  formatIdentity,
  liveness,
  type ProcessIdentity,
  parseIdentity,
  processIdentity,
} from "../../../src/process/process-identity.ts";
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
      ...{ version: 1, runId: "abc123", owner, keep: "never", usesEngine: true, directories: [] },
      createdAt: "1970-01-01T00:00:00.000Z",
    });
    expect((await stat(stateDirectory)).mode & 0o777).toBe(0o700);
    await run.addDirectory("/tmp/one");
    const again = await openRun({ stateDirectory, runId: "abc123", owner, keep: "always" });
    expect(again.state).toEqual(run.state);
    expect(again.state.keep).toBe("never");
  });

  test("that cannot be written leaves nothing behind", async () => {
    const stateDirectory = await temporaryDirectory();
    await mkdir(join(stateDirectory, "abc123.json.new"));
    await expect(openRun({ stateDirectory, runId: "abc123", owner: await self() })).rejects.toThrow("EISDIR");
    expect(await readdir(stateDirectory)).toEqual(["abc123.json.new"]);
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

  test("that is kept on success is kept only once it has succeeded", async () => {
    const stateDirectory = await temporaryDirectory();
    const owner = await self();
    const keptOf = async (runId: string, keep: Keep): Promise<(string | undefined)[]> => {
      const run = await openRun({ stateDirectory, runId, owner, keep });
      const before = (await readRun(stateDirectory, runId))?.keep;
      await run.succeed();
      return [before, run.state.keep, (await readRun(stateDirectory, runId))?.keep];
    };
    expect(await keptOf("one", "never")).toEqual(["never", "never", "never"]);
    expect(await keptOf("two", "on success")).toEqual(["on success", "always", "always"]);
    expect(await keptOf("three", "always")).toEqual(["always", "always", "always"]);
  });

  test("belongs to the process that opened it: another one is refused its name", async () => {
    const stateDirectory = await temporaryDirectory();
    const owner = await self();
    await openRun({ stateDirectory, runId: "demo", owner });
    const other = openRun({ stateDirectory, runId: "demo", owner: { ...owner, pid: owner.pid + 1 } });
    await expect(other).rejects.toMatchObject({ code: "USAGE", message: "there is a run named demo already" });
  });

  test("of one name is opened by one of several processes only", async () => {
    const stateDirectory = await temporaryDirectory();
    const owner = await self();
    const owners = [1, 2, 3, 4, 5].map((pid) => ({ ...owner, pid }));
    const opened = await Promise.allSettled(
      owners.map((one) => openRun({ stateDirectory, runId: "demo", owner: one })),
    );
    const winners = opened.flatMap((result) => (result.status === "fulfilled" ? [result.value.state.owner.pid] : []));
    expect(winners).toHaveLength(1);
    expect((await readRun(stateDirectory, "demo"))?.owner.pid).toBe(winners[0]);
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

test("files of no run are swept once nobody can be at work on them", async () => {
  const stateDirectory = await temporaryDirectory();
  const run = await openRun({ stateDirectory, runId: "alive", owner: await self() });
  await writeFile(join(stateDirectory, "alive.json.new"), "");
  await writeFile(join(stateDirectory, "cut.json.new"), "");
  await mkdir(join(stateDirectory, "cut"));
  await writeFile(join(stateDirectory, "broken.json"), '{"version": 1,');
  await mkdir(join(stateDirectory, "broken"));
  await writeFile(join(stateDirectory, "newer.json"), '{"version": 2}');
  const now = Date.now();
  await sweepStateDirectory(stateDirectory, now + 30_000);
  expect(await readdir(stateDirectory)).toHaveLength(8);
  await sweepStateDirectory(stateDirectory, now + 120_000);
  expect((await readdir(stateDirectory)).sort()).toEqual(["alive", "alive.json", "alive.json.new", "newer.json"]);
  expect((await stat(run.names.directory)).isDirectory()).toBe(true);
  await sweepStateDirectory(join(stateDirectory, "none"), now);
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
