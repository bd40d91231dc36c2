import { afterAll, beforeAll, expect, test } from "vitest";
import { type CommandHome, commandHome, leftovers } from "../../support/kubefile-command.ts";
import { type PageApp, startPageApp } from "../preview/page-app.ts";

let home: CommandHome;
let app: PageApp;

beforeAll(async () => {
  home = await commandHome();
  app = await startPageApp(home.directory);
});
afterAll(async () => {
  await app?.stop();
  await home?.remove();
});

async function tagsOf(repository: string): Promise<unknown> {
  const answer = await fetch(`${app.registry.url}/v2/${repository}/tags/list`);
  return answer.status === 404 ? "none" : await answer.json();
}

async function build(repository: string, ...flags: readonly string[]) {
  const name = `${app.registry.host}/${repository}`;
  const result = await home.kubefile([
    ...["build", "--capture", "static", "--store", home.store, ...app.flags, "--timeout", "1m"],
    ...["--push", "--verify", "--tag", `${name}:1.0`, "--tag", `${name}:edge`, ...flags, app.context],
  ]);
  expect(await leftovers(home, result.runIds)).toEqual([]);
  return result;
}

test("tags move once the image has started with the network cut", async () => {
  const { exitCode, stdout } = await build("team/page");
  expect(exitCode).toBe(0);
  expect(stdout).toContain("passed");
  expect(await tagsOf("team/page")).toMatchObject({ tags: expect.arrayContaining(["1.0", "edge"]) });
});

test("an image that does not start is at its registry by digest, and no tag moves", async () => {
  const { exitCode, stderr } = await build("team/broken", "--exclude", "docker.io/page/**");
  expect(exitCode).toBe(1);
  expect(stderr).toMatch(/error\[VERIFY_FAILED\]: \S+\/team\/broken@sha256:\S+ was built, and not verified: /);
  expect(stderr).toContain("hint: no tag was moved");
  expect(await tagsOf("team/broken")).not.toHaveProperty("tags", expect.arrayContaining([expect.anything()]));
});
