import { mkdir, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { describe, expect, test } from "vitest";
import type { FoundRun } from "../../../src/cluster/run-removal.ts";
import { KubefileError } from "../../../src/error.ts";
import { type MachineCleaning, sortRuns } from "../../../src/platform/clean-machine.ts";
import { temporaryDirectories } from "../../support/temporary-directory.ts";
import { kubefile } from "./command.ts";

const temporaryDirectory = temporaryDirectories();

async function directoryWith(files: Readonly<Record<string, string>>): Promise<string> {
  const cwd = await temporaryDirectory();
  for (const [name, content] of Object.entries(files)) {
    await mkdir(join(cwd, name, ".."), { recursive: true });
    await writeFile(join(cwd, name), content);
  }
  return cwd;
}

describe("lint", () => {
  const files = {
    "good/Kubefile": "FROM scratch\nCMD kubectl version\n",
    "bad/Kubefile": "FROM scratch\nCOPPY a b\nLAUNCH [a]\n",
    "warned/Kubefile": "FROM scratch\nENV my.var=1\nCMD kubectl version\n",
  };

  test("says of each file what it found, and ends with 2 when there was an error", async () => {
    const cwd = await directoryWith(files);
    const outcome = await kubefile(["lint", "good", "bad", "warned/Kubefile"], { cwd });
    expect(outcome).toMatchObject({ exitCode: 2, stderr: "" });
    expect(outcome.stdout).toContain('bad/Kubefile:2:1: error[unknown-instruction]: "COPPY" is not an instruction\n');
    const summaries = outcome.stdout.split("\n").filter((line) => /Kubefile: /.test(line));
    expect(summaries).toEqual(["good/Kubefile: no problems", "bad/Kubefile: 2 errors", "warned/Kubefile: 1 warning"]);
  });

  test("ends with 0 on warnings, and is silent about nothing", async () => {
    const cwd = await directoryWith(files);
    expect(await kubefile(["lint", "warned"], { cwd })).toMatchObject({ exitCode: 0 });
    expect(await kubefile(["lint"], { cwd: join(cwd, "good") })).toEqual({
      exitCode: 0,
      stdout: "Kubefile: no problems\n",
      stderr: "",
    });
  });

  test("checks the others when files cannot be read, and says which", async () => {
    const cwd = await directoryWith(files);
    const outcome = await kubefile(["lint", "none", "bad", "nowhere/Kubefile"], { cwd });
    expect(outcome.exitCode).toBe(2);
    expect(outcome.stdout).toContain("bad/Kubefile: 2 errors\n");
    expect(outcome.stderr).toBe(
      "error[USAGE]: none does not exist\n  | nowhere/Kubefile does not exist\n  hint: name a Kubefile, or the directory that holds one\n",
    );
    expect(JSON.parse((await kubefile(["lint", "--format", "json", "none", "warned"], { cwd })).stdout)).toHaveLength(
      1,
    );
  });

  test("--format json is one list over all files", async () => {
    const cwd = await directoryWith(files);
    const { stdout, exitCode } = await kubefile(["lint", "--format", "json", "good", "bad", "warned"], { cwd });
    const records: { file: string; line: number; code: string; severity: string }[] = JSON.parse(stdout);
    expect(exitCode).toBe(2);
    expect(records.map(({ file, line, severity, code }) => `${file}:${line} ${severity} ${code}`)).toEqual([
      "bad/Kubefile:2 error unknown-instruction",
      "bad/Kubefile:3 error unquoted-json",
      "warned/Kubefile:2 warning invalid-name",
    ]);
    expect(JSON.parse((await kubefile(["lint", "--format", "json", "good"], { cwd })).stdout)).toEqual([]);
  });

  test("--format codequality is GitLab's report, with paths from the root of the repository on", async () => {
    const cwd = await directoryWith(files);
    const env = { CI_PROJECT_DIR: join(cwd, "..") };
    const report = async (): Promise<readonly { fingerprint: string; location: object }[]> =>
      JSON.parse((await kubefile(["lint", "--format", "codequality", "bad", "good"], { cwd, env })).stdout);
    const path = `${basename(cwd)}/bad/Kubefile`;
    const found = await report();
    expect(found).toMatchObject([
      { check_name: "unknown-instruction", severity: "critical", location: { path, lines: { begin: 2 } } },
      { check_name: "unquoted-json", severity: "critical", location: { path, lines: { begin: 3 } } },
    ]);
    await writeFile(join(cwd, "bad/Kubefile"), `# moved down\n${files["bad/Kubefile"]}`);
    const moved = await report();
    expect(moved.map(({ fingerprint }) => fingerprint)).toEqual(found.map(({ fingerprint }) => fingerprint));
    expect(moved).toMatchObject([{ location: { lines: { begin: 3 } } }, { location: { lines: { begin: 4 } } }]);
  });

  test("colours a terminal, unless NO_COLOR is set", async () => {
    const cwd = await directoryWith(files);
    const lint = async (env: Readonly<Record<string, string>>, terminal = true): Promise<boolean> =>
      (await kubefile(["lint", "bad"], { cwd, env, terminal })).stdout.includes("\u001b[31m");
    expect([
      await lint({}),
      await lint({ NO_COLOR: "1" }),
      await lint({ TERM: "dumb" }),
      await lint({}, false),
    ]).toEqual([true, false, false, false]);
  });
});

describe("images", () => {
  test("says how to make one when there is none", async () => {
    const cwd = await temporaryDirectory();
    expect(await kubefile(["images"], { cwd })).toEqual({
      exitCode: 0,
      stdout: "no cluster images here yet; build one with `kubefile build -t NAME .`\n",
      stderr: "",
    });
    expect(JSON.parse((await kubefile(["images", "--format", "json"], { cwd })).stdout)).toEqual([]);
  });
});

describe("clean", () => {
  const runs: readonly FoundRun[] = [
    { runId: "abandoned", owner: "dead", keep: false, recorded: true },
    { runId: "lost", owner: "dead", keep: false, recorded: false },
    { runId: "demo", owner: "dead", keep: true, recorded: true },
    { runId: "hers", owner: "dead", keep: true, recorded: false },
    { runId: "building", owner: "alive", keep: false, recorded: true },
    { runId: "starting", owner: "alive", keep: true, recorded: true },
    { runId: "elsewhere", owner: "unknown", keep: false, recorded: false },
    { runId: "theirs", owner: "unknown", keep: true, recorded: false },
  ];
  const now = new Date("2026-11-22T12:00:00Z");
  const removed = (kept: MachineCleaning["kept"]): string[] =>
    sortRuns(runs, kept, now).removable.map(({ runId }) => runId);

  test("removes what is known to be abandoned, and with --all what was kept", () => {
    expect(removed("none")).toEqual(["abandoned", "lost"]);
    expect(removed("all")).toEqual(["abandoned", "lost", "demo"]);
    expect(removed({ runId: "demo" })).toEqual(["abandoned", "lost", "demo"]);
    for (const runId of ["hers", "starting", "theirs", "none"]) expect(removed({ runId })).toEqual(removed("none"));
  });

  test("says what it leaves, and why", () => {
    expect(sortRuns(runs, "none", now).left).toEqual([
      "left 1 kept cluster: demo; --run NAME removes one, --all all of them",
      "left 1 cluster that another user keeps: hers",
      "left 2 runs still going on: building, starting",
      "left 2 runs of other machines or containers: elsewhere, theirs; docs/engines.md says how to remove those that are over",
    ]);
    expect(sortRuns(runs, "all", now).left).toHaveLength(3);
    expect(sortRuns([], "none", now)).toEqual({ removable: [], left: [] });
  });
});

describe("clean, of previews that stay for a time", () => {
  const now = new Date("2026-11-22T12:00:00Z");
  const preview = (runId: string, owner: FoundRun["owner"], expires: string, recorded = true): FoundRun => {
    return { runId, owner, keep: true, recorded, lasting: { name: "pr-12", expires } };
  };
  const runs = [
    preview("over", "dead", "2026-11-22T11:59:59Z"),
    preview("over-elsewhere", "unknown", "2026-11-22T12:00:00Z", false),
    preview("over-hers", "dead", "2026-11-22T11:00:00Z", false),
    preview("making", "alive", "2026-11-22T11:00:00Z"),
    preview("open", "dead", "2026-11-22T12:00:01Z"),
    preview("open-elsewhere", "unknown", "2026-11-23T00:00:00.000Z", false),
  ];
  const removed = (kept: MachineCleaning["kept"]): string[] =>
    sortRuns(runs, kept, now).removable.map(({ runId }) => runId);

  test("removes those whose time has come, whoever made them, and with --all one's own", () => {
    expect(removed("none")).toEqual(["over", "over-elsewhere", "over-hers"]);
    expect(removed("all")).toEqual(["over", "over-elsewhere", "over-hers", "open"]);
    expect(sortRuns(runs, "none", now).left).toEqual([
      "left preview pr-12 until 2026-11-22T12:00:01Z",
      "left preview pr-12 until 2026-11-23T00:00:00.000Z",
      "left 1 run still going on: making",
    ]);
  });
});

describe("an interruption", () => {
  test("is what is told, whatever was waiting at that moment", async () => {
    const cwd = await directoryWith({ Kubefile: "FROM scratch\nCMD kubectl version\n" });
    const signal = AbortSignal.abort(new KubefileError("CANCELLED", "cancelled by SIGTERM"));
    const outcome = await kubefile(["build", "."], { cwd, signal });
    expect(outcome).toMatchObject({ exitCode: 130, stdout: "" });
    expect(outcome.stderr).toMatch(/cancelled by SIGTERM\n$/);
  });

  test("by a defect is told as one", async () => {
    const cwd = await directoryWith({ Kubefile: "FROM scratch\nCMD kubectl version\n" });
    const outcome = await kubefile(["build", "."], { cwd, signal: AbortSignal.abort(new TypeError("oops")) });
    expect(outcome.exitCode).toBe(1);
    expect(outcome.stderr).toContain("error[INTERNAL]: oops\n");
  });
});
