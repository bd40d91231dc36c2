import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, test } from "vitest";
import { digestOf } from "../../../src/oci/digest.ts";
import { type ActionResult, type ActionRunner, actionRunner } from "../../support/action-run.ts";
import { type DockerRegistry, startDockerRegistry } from "../../support/docker-registry.ts";
import { startTokenAuthRegistry, type TokenAuthRegistry } from "../../support/token-auth-registry.ts";

const key = (letter: string): string => letter.repeat(64);
const OCI = "application/vnd.oci.image.manifest.v1+json";

let runner: ActionRunner;
beforeEach(async () => {
  runner = await actionRunner(inject("release"));
});
afterEach(() => runner.remove());

/** Puts one small image under each of its tags; the same content has the same digest. */
async function push(registry: DockerRegistry, repository: string, content: string, tags: readonly string[]) {
  const config = Buffer.from("{}");
  const begun = await fetch(`${registry.url}/v2/${repository}/blobs/uploads/`, { method: "POST" });
  const location = new URL(begun.headers.get("location") ?? "", registry.url);
  location.searchParams.set("digest", digestOf(config));
  expect((await fetch(location, { method: "PUT", body: config })).status).toBe(201);
  const manifest = JSON.stringify({
    ...{ schemaVersion: 2, mediaType: OCI, layers: [], annotations: { content } },
    config: { mediaType: "application/vnd.oci.image.config.v1+json", digest: digestOf(config), size: config.length },
  });
  for (const tag of tags) {
    const url = `${registry.url}/v2/${repository}/manifests/${tag}`;
    const answer = await fetch(url, { method: "PUT", body: manifest, headers: { "content-type": OCI } });
    expect(answer.status).toBe(201);
  }
  return digestOf(Buffer.from(manifest));
}

async function tagsOf(registry: DockerRegistry, repository: string): Promise<readonly string[]> {
  const answer = await fetch(`${registry.url}/v2/${repository}/tags/list`);
  const body: unknown = answer.status === 404 ? {} : await answer.json();
  const tags: unknown = typeof body === "object" && body !== null && "tags" in body ? body.tags : [];
  return Array.isArray(tags) ? tags.map(String).sort() : [];
}

async function isThere(registry: DockerRegistry, repository: string, name: string): Promise<boolean> {
  const url = `${registry.url}/v2/${repository}/manifests/${name}`;
  return (await fetch(url, { method: "HEAD", headers: { accept: OCI } })).status === 200;
}

function clean(inputs: Readonly<Record<string, string>>): Promise<ActionResult> {
  return runner.run("clean", { env: { DOCKER_HOST: "unix:///nowhere/docker.sock" }, inputs });
}

// 2.8 deletes no tags, only digests with all of their tags; 3 deletes either.
describe.each([2, 3] as const)("at distribution %i, a closed pull request", (distribution) => {
  let registry: DockerRegistry;
  beforeAll(async () => {
    registry = await startDockerRegistry({ distribution });
  });
  afterAll(() => registry.stop());

  test("loses its tag and its records, and nothing that another tag stands for goes with them", async () => {
    const shared = await push(registry, "shop", "shared", ["pr-12", "pr-12-arm64", "edge", "1.4.2"]);
    const others = ["pr-1", "pr-123", "pr-12-notes", "pr-12-arm64-old", "mr-12", "branch-pr-12", `cache-${key("a")}`];
    await push(registry, "shop", "other", others);
    const records = [`pr-12-${key("a")}`, `pr-12-${key("b")}`];
    await push(registry, "shop/cache", "record", records);
    const kept = [`cache-${key("a")}`, `pr-123-${key("a")}`, `pr-12-protected-${key("a")}`, `pr-12-${key("A")}`];
    await push(registry, "shop/cache", "record", kept);
    const inputs = {
      "pull-request": "12",
      repositories: `${registry.host}/shop\n${registry.host}/shop/cache, ${registry.host}/nothing/here`,
    };
    const own = ["pr-12", "pr-12-arm64"].map((tag) => `${registry.host}/shop:${tag}`);
    const names = [...own, ...records.map((tag) => `${registry.host}/shop/cache:${tag}`)];

    const told = await clean({ ...inputs, "dry-run": "true" });
    expect({ exitCode: told.exitCode, removed: JSON.parse(told.outputs.removed ?? "") }).toEqual({
      ...{ exitCode: 0, removed: names },
    });
    expect(await isThere(registry, "shop", "pr-12")).toBe(true);

    const done = await clean(inputs);
    expect({ exitCode: done.exitCode, removed: JSON.parse(done.outputs.removed ?? "") }).toEqual({
      ...{ exitCode: 0, removed: names },
    });
    expect(done.log).toContain(`removed ${registry.host}/shop:pr-12`);
    expect(await tagsOf(registry, "shop")).toEqual(["1.4.2", "edge", ...others].sort());
    expect(await tagsOf(registry, "shop/cache")).toEqual(kept.sort());
    for (const name of [shared, "edge", "1.4.2"]) expect(await isThere(registry, "shop", name), name).toBe(true);

    const again = await clean(inputs);
    expect({ exitCode: again.exitCode, removed: again.outputs.removed }).toEqual({ exitCode: 0, removed: "[]" });
  });
});

describe("a registry", () => {
  test("that deletes nothing is told, and keeps the tag on its image", async () => {
    const registry = await startDockerRegistry({ deletes: false });
    try {
      const digest = await push(registry, "shop", "one", ["pr-12"]);
      const { exitCode, log } = await clean({ "pull-request": "12", repositories: `${registry.host}/shop` });
      expect(exitCode).toBe(1);
      expect(log.join("\n")).toMatch(
        /error\[REGISTRY\]: \S+ deletes no tags: \S+\/shop:pr-12\n {2}hint: allow it there/,
      );
      const url = `${registry.url}/v2/shop/manifests/pr-12`;
      const { headers } = await fetch(url, { method: "HEAD", headers: { accept: OCI } });
      expect(headers.get("docker-content-digest")).toBe(digest);
    } finally {
      await registry.stop();
    }
  });

  test("with a token service is asked for the right to delete", async () => {
    const password = "c4n4ry";
    const users = [{ username: "robot", password, repositories: ["team/shop"] }];
    const registry: TokenAuthRegistry = await startTokenAuthRegistry({ users });
    try {
      const auths = JSON.stringify([{ registry: registry.host, username: "robot", password }]);
      const tags = `${registry.host}/team/shop:pr-12`;
      const small = "FROM scratch\nCMD kubectl version\n";
      await mkdir(join(runner.workspace, "app"));
      await writeFile(join(runner.workspace, "app", "Kubefile"), small);
      const built = await runner.run("build", {
        inputs: { context: "app", capture: "static", tags, push: "true", "registry-auths": auths },
      });
      expect(built.exitCode).toBe(0);
      const inputs = { "pull-request": "12", repositories: `${registry.host}/team/shop`, "registry-auths": auths };
      expect(await clean(inputs)).toMatchObject({ exitCode: 0, outputs: { removed: JSON.stringify([tags]) } });
      expect((await clean(inputs)).outputs.removed).toBe("[]");
    } finally {
      await registry.stop();
    }
  });
});

test("a runner without an engine is told what is missing; what needs none goes all the same", async () => {
  const { exitCode, log } = await clean({});
  expect(exitCode).toBe(3);
  expect(log.join("\n")).toContain("error[ENGINE_MISSING]");
});

test.each([
  [{ "pull-request": "12" }, "no repository is named in which pr-12 has tags, and no engine answers here"],
  [{ repositories: "registry.example/shop" }, "repositories are named, but no request"],
  [{ "pull-request": "12; rm", repositories: "registry.example/shop" }, "is not the number of a request"],
  [{ "pull-request": "0", repositories: "registry.example/shop" }, "is not the number of a request"],
  [
    { "pull-request": "12", repositories: "registry.example/shop:edge" },
    "names an image, and a repository is asked for",
  ],
])("wrong inputs are told: %j", async (inputs, message) => {
  const { exitCode, log } = await clean(inputs);
  expect(exitCode).toBe(2);
  expect(log.join("\n")).toContain(message);
});
