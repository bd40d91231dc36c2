import { describe, expect, it } from "vitest";
import { createCommandTimeline } from "../../../src/capture/command-times.ts";
import type { CommandContainer, ExecOptions } from "../../../src/cluster/types.ts";
import type { LaunchCommand } from "../../../src/image/types.ts";
import { runLaunch } from "../../../src/pipeline/launch.ts";

interface Executed {
  readonly command: string;
  readonly options: ExecOptions;
}

/** A container that only remembers what it was told to run: what runs in a real one is for the end-to-end tests. */
function container(results: readonly { exitCode: number; output?: string }[]): {
  readonly container: CommandContainer;
  readonly executed: Executed[];
} {
  const executed: Executed[] = [];
  return {
    executed,
    container: {
      async exec(command, options) {
        executed.push({ command, options });
        const { exitCode = 0, output = "" } = results[executed.length - 1] ?? {};
        return { exitCode, output };
      },
      copyIn: async () => undefined,
      copyOut: async () => undefined,
      [Symbol.asyncDispose]: async () => undefined,
    },
  };
}

const command = (text: string, more: Partial<LaunchCommand> = {}): LaunchCommand => ({
  command: text,
  directory: "",
  env: {},
  source: "Kubefile:7",
  ...more,
});

const phase = { update: () => undefined, log: () => undefined, summary: () => undefined };

async function launch(
  commands: readonly LaunchCommand[],
  results: readonly { exitCode: number; output?: string }[],
  more: { networkCut?: boolean; env?: Record<string, string>; overrides?: Record<string, string> } = {},
): Promise<Executed[]> {
  const fake = container(results);
  await runLaunch({
    container: fake.container,
    commands,
    timeline: createCommandTimeline(() => new Date()),
    env: more.env ?? {},
    ...(more.overrides === undefined ? {} : { overrides: more.overrides }),
    phase,
    signal: new AbortController().signal,
    timeout: 60_000,
    now: () => 0,
    networkCut: more.networkCut ?? true,
  });
  return fake.executed;
}

describe("runLaunch", () => {
  it("runs all commands in order, each in its directory, with the site's values over all others", async () => {
    const executed = await launch(
      [command("one", { env: { A: "app" }, directory: "application/apps/x" }), command("two")],
      [],
      { env: { A: "image", B: "image", C: "image" }, overrides: { C: "site" } },
    );
    expect(executed.map((entry) => [entry.command, entry.options.directory, entry.options.env])).toEqual([
      ["one", "application/apps/x", { A: "app", B: "image", C: "site" }],
      ["two", "", { A: "image", B: "image", C: "site" }],
    ]);
  });

  it("stops at the first command that fails, and names its line", async () => {
    const failing = launch(
      [command("one"), command("two"), command("three")],
      [{ exitCode: 0 }, { exitCode: 3, output: "boom\n" }],
    );
    await expect(failing).rejects.toMatchObject({
      code: "LAUNCH_FAILED",
      message: 'launch command "two" ended with exit code 3:\nboom',
      where: { file: "Kubefile", line: 7 },
    });
  });

  it.each([
    ["sh: 1: jq: not found", "jq"],
    ["sh: jq: not found", "jq"],
    ["bash: line 1: yq: command not found", "yq"],
    ["/rootfs/scripts/x.sh: line 3: bash: not found", "bash"],
  ])("names the tool that a site does not have: %s", async (output, tool) => {
    await expect(launch([command("do it")], [{ exitCode: 127, output }])).rejects.toMatchObject({
      message: `launch command "do it" needs ${tool}, which a site does not promise`,
      hint: expect.stringContaining(`put ${tool} into the rootfs under bin/`),
    });
  });

  it("names the tool that a script does not find, whatever its exit code", async () => {
    const output = "go.sh: 1: wget: not found\nerror: no objects passed to apply\n";
    await expect(launch([command("sh go.sh")], [{ exitCode: 1, output }])).rejects.toMatchObject({
      message: expect.stringContaining("ended with exit code 1:\ngo.sh: 1: wget: not found"),
      hint: expect.stringContaining("put wget into the rootfs under bin/"),
    });
  });

  it("asks for a definition to be waited for when its kind is not known", async () => {
    const output = 'error: resource mapping not found for name: "a": no matches for kind "Shop" in version "x/v1"';
    await expect(launch([command("kubectl apply -f x")], [{ exitCode: 1, output }])).rejects.toMatchObject({
      hint: expect.stringContaining("kubectl wait --for=condition=Established crd/"),
    });
  });

  it.each([
    ["kubectl apply -f https://example.com/a.yaml", "error: unable to read URL"],
    ["helm repo add x y", "dial tcp: lookup charts.example on 10.96.0.10:53: no such host"],
    ["sh fetch.sh", "wget: bad address 'example.com'"],
  ])("says that a launch has no network: %s", async (text, output) => {
    await expect(launch([command(text)], [{ exitCode: 1, output }])).rejects.toMatchObject({
      hint: expect.stringContaining("the launch has no network"),
    });
    await expect(launch([command(text)], [{ exitCode: 1, output }], { networkCut: false })).rejects.toMatchObject({
      hint: expect.not.stringContaining("the launch has no network"),
    });
  });
});
