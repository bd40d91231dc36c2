import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { processesOf } from "../../support/home-processes.ts";
import { type CommandHome, commandHome } from "../../support/kubefile-command.ts";
import { type RunningCommand, startCommand } from "../../support/running-command.ts";

/** No engine is reachable: what such a build leaves has to go without one. */
const noEngine = { DOCKER_HOST: "unix:///nowhere/docker.sock" };

let home: CommandHome;

beforeAll(async () => {
  home = await commandHome();
});

afterAll(() => home?.remove());

async function context(name: string, step: string): Promise<string> {
  const directory = join(home.directory, name);
  await mkdir(directory);
  await writeFile(join(directory, "Kubefile"), `FROM scratch\nRUN ${step}\nCMD true\n`);
  return directory;
}

const flags = ["--capture", "static", "--run", "host"];

async function startSleepingBuild(name: string): Promise<RunningCommand> {
  const directory = await context(name, "echo begun; sleep 300 & sleep 300; echo over");
  const build = startCommand(home, ["build", "--store", home.store, ...flags, directory], noEngine);
  await build.seen((event) => event.type === "phase-log" && event.line === "begun");
  return build;
}

const runsOf = async (): Promise<string[]> => (await readdir(join(home.state, "runs"))).sort();

describe("steps on the machine itself", () => {
  test("end with their build", async () => {
    const build = await startSleepingBuild("terminated");
    build.child.kill("SIGTERM");
    expect(await build.ended).toBe(130);
    expect(await processesOf(home)).toEqual([]);
    expect(await runsOf()).toEqual([]);
  });

  test("go on when their build is killed, and end with the next start", async () => {
    const build = await startSleepingBuild("killed");
    build.child.kill("SIGKILL");
    expect(await build.ended).toBe("SIGKILL");
    const [file = ""] = (await runsOf()).filter((name) => name.endsWith(".json"));
    // On a busy machine the shell may only be about to start it.
    const commands = async () => (await processesOf(home)).map((left) => left.command);
    await expect.poll(commands, { timeout: 10_000 }).toContain("sleep 300 ");
    const next = await home.kubefile(
      ["build", "--store", home.store, ...flags, await context("next", "echo made > made")],
      { env: noEngine },
    );
    expect(next).toMatchObject({ exitCode: 0 });
    expect(next.stderr).toContain(`removing what run ${file.replace(".json", "")} left behind`);
    expect(await processesOf(home)).toEqual([]);
    expect(await runsOf()).toEqual([]);
  });

  test("end with clean, too, which then says that it saw no engine", async () => {
    const build = await startSleepingBuild("cleaned");
    build.child.kill("SIGKILL");
    await build.ended;
    const cleaned = await home.kubefile(["clean"], { env: noEngine });
    expect(cleaned).toMatchObject({ exitCode: 3, stdout: expect.stringMatching(/^removed run [0-9a-f]{10}\n$/) });
    expect(cleaned.stderr).toContain("error[ENGINE_MISSING]");
    expect(await processesOf(home)).toEqual([]);
    expect(await runsOf()).toEqual([]);
  });

  test("are removed by clean although others cannot be, which it names", async () => {
    const builds = [await startSleepingBuild("stuck"), await startSleepingBuild("loose")];
    const names = (await runsOf()).filter((name) => name.endsWith(".json"));
    for (const { child, ended } of builds) {
      child.kill("SIGKILL");
      await ended;
    }
    const [stuck = "", loose = ""] = names.map((name) => name.replace(".json", ""));
    const file = join(home.state, "runs", `${stuck}.json`);
    const state = await readFile(file, "utf8");
    // Nothing is below a file, and so it cannot be removed either.
    await writeFile(file, state.replace('"directories": []', '"directories": ["/dev/null/temporary"]'));
    const cleaned = await home.kubefile(["clean"], { env: noEngine });
    expect(cleaned).toMatchObject({ exitCode: 1, stdout: `removed run ${loose}\n` });
    expect(cleaned.stderr).toContain(`error[CLUSTER_FAILED]: run ${stuck} could not be removed wholly: ENOTDIR`);
    expect(cleaned.stderr).toContain("  | no Docker Engine answers");
    expect(await processesOf(home)).toEqual([]);
    await writeFile(file, state);
    expect((await home.kubefile(["clean"], { env: noEngine })).stdout).toBe(`removed run ${stuck}\n`);
    expect(await runsOf()).toEqual([]);
  });

  test("take what they leave running with them, whether they end or are ended", async () => {
    const daemon = (seconds: number) => `setsid sleep ${seconds} < /dev/null > /dev/null 2>&1 &`;
    const left = await context("daemon", `${daemon(301)} sleep 0.2; echo made > made`);
    const built = await home.kubefile(["build", "--store", home.store, ...flags, left], { env: noEngine });
    expect(built).toMatchObject({ exitCode: 0 });
    expect(await processesOf(home)).toEqual([]);

    const ended = await context("ended-daemon", `${daemon(302)} sleep 0.2; echo begun; sleep 300`);
    const build = startCommand(home, ["build", "--store", home.store, ...flags, ended], noEngine);
    await build.seen((event) => event.type === "phase-log" && event.line === "begun");
    build.child.kill("SIGINT");
    expect(await build.ended).toBe(130);
    expect(await processesOf(home)).toEqual([]);
  });

  test("go on when nobody reads the output any more", async () => {
    const directory = await context("unread", "echo begun; sleep 1; echo more; echo made > made");
    const build = startCommand(
      home,
      ["build", "--store", home.store, "--tag", "unread:1", ...flags, directory],
      noEngine,
    );
    await build.seen((event) => event.type === "phase-log" && event.line === "begun");
    build.child.stdout?.destroy();
    build.child.stderr?.destroy();
    expect(await build.ended).toBe(0);
    expect((await home.kubefile(["images", "--store", home.store])).stdout).toContain("unread:1");
    expect(await runsOf()).toEqual([]);
  });

  test("leave a home of their own out of the rootfs", async () => {
    const directory = await context("home", 'test -d "$HOME" && echo cache > "$HOME/.cache" && test ! -e .cache');
    const built = await home.kubefile(["build", "--store", home.store, ...flags, directory], { env: noEngine });
    expect(built).toMatchObject({ exitCode: 0 });
    expect(built.stderr).toContain("0 layers");
  });
});
