import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { engineEnvironment, engineFor } from "../../../src/cluster/engine.ts";
import { resolveLocal } from "../../../src/image/local-tags.ts";
import { parseReference } from "../../../src/oci/reference.ts";
import { serveArtifact } from "../../../src/pipeline/serve.ts";
import { previewRunId } from "../../../src/platform/lasting-inputs.ts";
import { docker } from "../../support/docker.ts";
import { processesOf } from "../../support/home-processes.ts";
import { type CommandHome, type CommandResult, commandHome, leftovers } from "../../support/kubefile-command.ts";
import { labelPreview, networksOf } from "./labelled-preview.ts";
import { type PageApp, startPageApp } from "./page-app.ts";

// Others may be testing on the same engine.
const project = { CI_PROJECT_PATH: `group/shop-${process.pid}` };
const runId = previewRunId("pr-12", project);

let home: CommandHome;
let app: PageApp;
let reference: string;

beforeAll(async () => {
  home = await commandHome();
  app = await startPageApp(home.directory);
  reference = `${app.registry.host}/team/page:1`;
  const flags = ["--capture", "static", "--store", home.store, "--push", "--tag", reference, ...app.flags];
  expect(await home.kubefile(["build", ...flags, app.context])).toMatchObject({ exitCode: 0 });
});

afterAll(async () => {
  await clean("--pull-request", "12");
  await app?.stop();
  await home?.remove();
});

function keep(...flags: readonly string[]): Promise<CommandResult> {
  const kept = ["--keep", "--ttl", "2h", "--name", "pr-12", "--port-forward", "svc/web:80", "--test", "true"];
  return home.kubefile(["preview", ...kept, "--store", home.store, ...app.flags, ...flags, reference], {
    env: project,
  });
}

function clean(...flags: readonly string[]): Promise<CommandResult> {
  return home.kubefile(["clean", ...flags], { env: project });
}

const urlOf = ({ stdout }: CommandResult): string => /http:\/\/127\.0\.0\.1:\d+/.exec(stdout)?.[0] ?? "";
const servers = async (): Promise<number> =>
  (await processesOf(home)).filter(({ command }) => command.includes(" serve ")).length;

async function page(url: string): Promise<string> {
  const answer = await fetch(url, { signal: AbortSignal.timeout(20_000) });
  return await answer.text();
}

test("a preview goes on after its command, is replaced by the next one at the same address, and goes with its request", async () => {
  const first = await keep();
  expect(first).toMatchObject({ exitCode: 0, stdout: expect.stringMatching(/pr-12 stays until \d{4}-/) });
  const url = urlOf(first);
  expect(await page(url)).toBe("hello world\n");
  const [before] = await networksOf(runId);

  const left = await clean();
  expect(left.stdout).toMatch(/^left preview pr-12 until /m);
  expect(await page(url)).toBe("hello world\n");

  const values = join(home.directory, "values.yaml");
  await writeFile(values, "page: { name: again }\n");
  const second = await keep("--values", `page=${values}`);
  expect(second.exitCode).toBe(0);
  expect(urlOf(second)).toBe(url);
  expect(await page(url)).toBe("hello again\n");
  expect(await networksOf(runId)).toEqual([expect.not.stringMatching(`^${before}$`)]);
  expect(await servers()).toBe(1);

  expect((await clean("--pull-request", "12", "--dry-run")).stdout).toBe("would remove preview pr-12\n");
  expect(await page(url)).toBe("hello again\n");
  expect((await clean("--pull-request", "12")).stdout).toBe("removed preview pr-12\n");
  await expect(page(url)).rejects.toThrow();
  expect(await servers()).toBe(0);
  expect(await leftovers(home, [runId])).toEqual([]);
});

test("a preview of which only labels are known is removed by its own server when its time has come", async () => {
  const expires = new Date(Date.now() + 3_000).toISOString();
  await labelPreview(runId, expires);
  const image = await resolveLocal(home.store, parseReference(reference));
  const node = (await docker("create", "--label", `kubefile.run=${runId}`, "kubefile-tools:dev")).trim();
  const { signal } = new AbortController();
  const ended = serveArtifact({
    settings: {
      ...{ runId, stateDirectory: join(home.state, "runs"), store: home.store, digest: image?.digest ?? "" },
      ...{ address: "127.0.0.1", port: 0, runToken: "t", node, expires },
    },
    engine: engineFor(engineEnvironment(process.env)),
    onListening: () => undefined,
    signal,
    interval: 500,
  });
  await sleep(500);
  expect(await networksOf(runId)).toHaveLength(1);
  await ended;
  expect(Date.now()).toBeGreaterThanOrEqual(Date.parse(expires));
  expect(await networksOf(runId)).toEqual([]);
  expect(await docker("ps", "--all", "--quiet", "--filter", `label=kubefile.run=${runId}`)).toBe("");
});
