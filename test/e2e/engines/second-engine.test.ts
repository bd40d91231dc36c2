import { mkdir, readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { docker, lines } from "../../support/docker.ts";
import { type GitLabProject, gitlabProject } from "../../support/gitlab-pipeline.ts";
import { jobVariables } from "../../support/gitlab-variables.ts";
import { type CommandHome, commandHome } from "../../support/kubefile-command.ts";
import { type SecondEngine, startSecondEngine } from "../../support/second-engine.ts";
import { startTinyApp, type TinyApp, tinyImage } from "../cleanup/tiny-app.ts";

let home: CommandHome;
let engine: SecondEngine;
let app: TinyApp;
let project: GitLabProject;
beforeAll(async () => {
  home = await commandHome();
  engine = await startSecondEngine({ images: ["kindest/node:v1.34.4", "ghcr.io/kubefile-ci/tools:0.1.0"] });
  // Within the engine's network there is another loopback.
  app = await startTinyApp(home.directory, engine.address);
  const directory = join(home.directory, "project");
  await mkdir(directory);
  project = await gitlabProject(directory, home.environment);
  const files = ["Kubefile", "manifests/pod.yaml"].map(
    async (name) => [name, await readFile(join(app.context, name), "utf8")] as const,
  );
  project.commit("application", Object.fromEntries(await Promise.all(files)));
});
afterAll(async () => {
  await Promise.all([engine?.stop(), app?.stop()]);
  await home?.remove();
});

const settings = (): string[] => ["--store", home.store, "--quiet-window", "2s", "--insecure", app.registry.host];

/** What the first engine has, while something goes on, of the runs that go on in this home. */
async function watching(work: () => Promise<void>): Promise<readonly string[]> {
  const found: string[] = [];
  const state = { ended: false };
  const looking = (async () => {
    while (!state.ended) {
      for (const file of await readdir(join(home.state, "runs")).catch((): string[] => [])) {
        const name = `name=${file.replace(/\.json$/, "")}`;
        found.push(...lines(await docker("ps", "--all", "--filter", name, "--format", "{{.Names}}")));
      }
      await sleep(1_000);
    }
  })();
  await work().finally(() => {
    state.ended = true;
  });
  await looking;
  return found;
}

async function leftOnSecond(): Promise<readonly string[]> {
  const containers = await engine.docker("ps", "--all", "--format", "container {{.Names}}");
  const networks = await engine.docker("network", "ls", "--filter", "type=custom", "--format", "network {{.Name}}");
  return [...lines(containers), ...lines(networks)];
}

describe("an engine that only TCP reaches", () => {
  test("is what GitLab's component for docker builds and verifies with: nodes pull through the job, nothing stays", async () => {
    const path = "demo/tiny";
    const variables = {
      ...jobVariables({ api: "https://gitlab.test/api/v4", registry: app.registry.host, path, password: "job-secret" }),
      // The component says where runners share them.
      DOCKER_CERT_PATH: engine.variables.find((each) => each.startsWith("DOCKER_CERT_PATH="))?.slice(17) ?? "",
    };
    const inputs = {
      ...{ executor: "docker", store: home.store, "quiet-window": "2s", "cache-from": "", "cache-to": "" },
      ...{ insecure: app.registry.host, mirrors: `docker.io=${app.registry.url}` },
    };
    const onFirst = await watching(async () => {
      // The service is there already, and is this engine.
      const overrides = { "kubefile-build": { services: [] }, "kubefile-verify": { services: [] } };
      const components = [{ name: "build", inputs }];
      const run = await project.run({ components, overrides, variables, through: engine.beside });
      expect(run.exitCode, run.log).toBe(0);
      expect(run.logOf("kubefile-build")).toContain(`all pulls of the nodes go through ${engine.address}:`);
      expect(run.logOf("kubefile-build")).toMatch(
        new RegExp(`${tinyImage} .* pulled by pod default/tiny container app`),
      );
      expect(run.logOf("kubefile-verify")).toContain("1 image from the artifact alone, network cut");
      expect(run.logOf("kubefile-promote")).toContain(`new    ${app.registry.host}/${path}:edge`);
    });
    expect({ onFirst, left: await leftOnSecond() }).toEqual({ onFirst: [], left: [] });
  });

  test("builds from a job in its own network, as in one pod with it", async () => {
    const flags = ["--tag", app.reference, "--progress", "plain"];
    const onFirst = await watching(async () => {
      const args = ["build", "--no-cache", ...settings(), ...app.mirror, ...flags, app.context];
      const built = await home.kubefile(args, { through: engine.inside });
      expect(built).toMatchObject({ exitCode: 0 });
      expect(built.stderr).not.toContain(`all pulls of the nodes go through ${engine.address}:`);
    });
    expect({ onFirst, left: await leftOnSecond() }).toEqual({ onFirst: [], left: [] });
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
