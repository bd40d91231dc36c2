import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { docker, lines } from "../../support/docker.ts";
import { type CommandHome, type CommandResult, commandHome } from "../../support/kubefile-command.ts";
import { type SecondEngine, startSecondEngine } from "../../support/second-engine.ts";
import { startTinyApp, type TinyApp, tinyImage } from "../cleanup/tiny-app.ts";

let home: CommandHome;
let engine: SecondEngine;
let app: TinyApp;
beforeAll(async () => {
  home = await commandHome();
  engine = await startSecondEngine({ images: ["kindest/node:v1.34.4", "ghcr.io/kubefile-ci/tools:0.1.0"] });
  // Within the engine's network there is another loopback.
  app = await startTinyApp(home.directory, engine.address);
});
afterAll(async () => {
  await Promise.all([engine?.stop(), app?.stop()]);
  await home?.remove();
});

const settings = (): string[] => ["--store", home.store, "--quiet-window", "2s", "--insecure", app.registry.host];

/** Runs the command as a job, and looks at what the first engine has of its run meanwhile and the second one afterwards. */
async function inJob(
  through: readonly string[],
  args: readonly string[],
): Promise<CommandResult & { readonly onFirst: readonly string[]; readonly left: readonly string[] }> {
  const onFirst: string[] = [];
  const result = await home.kubefile(args, {
    through,
    during: async (runId, ended) => {
      while (!ended.aborted) {
        onFirst.push(...lines(await docker("ps", "--all", "--filter", `name=${runId}`, "--format", "{{.Names}}")));
        await new Promise((resolve) => setTimeout(resolve, 1_000));
      }
    },
  });
  const containers = await engine.docker("ps", "--all", "--format", "container {{.Names}}");
  const networks = await engine.docker("network", "ls", "--filter", "type=custom", "--format", "network {{.Name}}");
  return { ...result, onFirst, left: [...lines(containers), ...lines(networks)] };
}

describe("an engine that only TCP reaches", () => {
  test("builds and pushes from a job beside it: its nodes pull through the job, and nothing stays there", async () => {
    const flags = ["--tag", app.reference, "--push", "--progress", "plain"];
    const built = await inJob(engine.beside, ["build", ...settings(), ...app.mirror, ...flags, app.context]);
    expect(built).toMatchObject({ exitCode: 0, onFirst: [], left: [] });
    expect(built.stderr).toContain(`all pulls of the nodes go through ${engine.address}:`);
    expect(built.stdout).toMatch(new RegExp(`${tinyImage} .* pulled by pod default/tiny container app`));
  });

  test("verifies with the network cut, and shows that it was none before", async () => {
    const verified = await inJob(engine.beside, ["verify", ...settings(), app.reference]);
    expect(verified).toMatchObject({ exitCode: 0, onFirst: [], left: [] });
    expect(verified.stdout).toContain("1 image from the artifact alone, network cut");
  });

  test("builds from a job in its own network, as in one pod with it", async () => {
    const flags = ["--tag", app.reference, "--progress", "plain"];
    const built = await inJob(engine.inside, ["build", ...settings(), ...app.mirror, ...flags, app.context]);
    expect(built).toMatchObject({ exitCode: 0, onFirst: [], left: [] });
    expect(built.stderr).not.toContain(`all pulls of the nodes go through ${engine.address}:`);
  });
});

test("an engine without TLS is one, too", async () => {
  const plain = await startSecondEngine({ tls: false });
  try {
    expect(plain.variables).toEqual(["DOCKER_HOST=tcp://docker:2375"]);
    expect(await home.kubefile(["clean"], { through: plain.beside })).toMatchObject({ exitCode: 0 });
  } finally {
    await plain.stop();
  }
});
