import { existsSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { Readable } from "node:stream";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { removeTag } from "../../../src/image/remove-tag.ts";
import { digestOf } from "../../../src/oci/digest.ts";
import { type GitHubApi, openGitHubApi } from "../../../src/platform/github-api.ts";
import { deleteAtGitHub } from "../../../src/platform/github-packages.ts";
import { createRegistryClient } from "../../../src/registry/client.ts";
import { noCredentials } from "../../../src/registry/credentials.ts";
import type { RegistryClient } from "../../../src/registry/types.ts";
import { type DockerRegistry, startDockerRegistry } from "../../support/docker-registry.ts";
import { type HttpFixture, sendJson, startHttpFixture } from "../../support/http-fixture.ts";

const OCI = "application/vnd.oci.image.manifest.v1+json";
const { signal } = new AbortController();

let registry: DockerRegistry;
let github: HttpFixture;
let api: GitHubApi;
let client: RegistryClient;
/** What the API answers to a delete. */
let status: number;

beforeAll(async () => {
  registry = await startDockerRegistry();
  client = createRegistryClient({ credentials: noCredentials, userAgent: "test", insecure: new Set([registry.host]) });
  // GitHub's packages over a registry: each manifest is a version, tagged or not.
  github = await startHttpFixture(async ({ method, path }, response) => {
    if (path === "/users/octo" || path === "/users/team") {
      return sendJson(response, 200, { type: path === "/users/octo" ? "User" : "Organization" });
    }
    const [, owner, name = "", id] =
      /^\/(users\/octo|orgs\/team)\/packages\/container\/([^/]+)\/versions(?:\/(\d+))?(?:\?.*)?$/.exec(path) ?? [];
    if (owner === undefined) return sendJson(response, 404, { message: "Not Found" });
    const repository = `${owner.replace(/^\w+\//, "")}/${decodeURIComponent(name)}`;
    const versions = await versionsOf(repository);
    if (id === undefined) return sendJson(response, 200, versions);
    const version = versions.find((each) => each.id === Number(id));
    if (method !== "DELETE" || status !== 204) return sendJson(response, status, { message: "Must have admin rights" });
    await fetch(`${registry.url}/v2/${repository}/manifests/${version?.name}`, { method: "DELETE" });
    response.writeHead(204).end();
  });
  const proxy = {};
  api = openGitHubApi({ server: github.url, token: "ghs_token", proxy, signal });
});
afterAll(async () => {
  await client.close();
  await api[Symbol.asyncDispose]();
  await Promise.all([registry.stop(), github.close()]);
});
beforeEach(() => {
  status = 204;
});

async function versionsOf(repository: string) {
  const manifests = join(registry.storage, "docker/registry/v2/repositories", repository, "_manifests");
  const revisions = join(manifests, "revisions", "sha256");
  // Of one that was deleted the directory stays.
  const there = (await readdir(revisions)).filter((hex) => existsSync(join(revisions, hex, "link")));
  const digests = there.sort().map((hex) => `sha256:${hex}`);
  const tags = await client.tags({ host: registry.host, path: repository }, { signal });
  const named = await Promise.all(tags.map(async (tag) => ({ tag, digest: await digestAt(repository, tag) })));
  return digests.map((name) => {
    const own = named.filter(({ digest }) => digest === name).map(({ tag }) => tag);
    return { id: Number.parseInt(name.slice(7, 17), 16), name, metadata: { container: { tags: own } } };
  });
}

async function digestAt(repository: string, name: string): Promise<string | undefined> {
  const url = `${registry.url}/v2/${repository}/manifests/${name}`;
  const { headers } = await fetch(url, { method: "HEAD", headers: { accept: OCI } });
  return headers.get("docker-content-digest") ?? undefined;
}

async function push(path: string, ...tags: readonly string[]): Promise<string> {
  const repository = { host: registry.host, path };
  const config = Buffer.from("{}");
  const open = async () => Readable.from([config], { objectMode: false });
  await client.pushBlob(repository, { digest: digestOf(config), size: config.length, open }, { signal });
  const manifest = Buffer.from(
    JSON.stringify({
      ...{ schemaVersion: 2, mediaType: OCI, layers: [] },
      config: { mediaType: "application/vnd.oci.image.config.v1+json", digest: digestOf(config), size: config.length },
    }),
  );
  for (const tag of tags) await client.pushManifest(repository, tag, OCI, manifest, { signal });
  return digestOf(manifest);
}

function remove(path: string, tag: string): Promise<"removed" | "absent"> {
  const repository = { host: registry.host, path };
  return removeTag({ client, repository, tag, deleteManifest: deleteAtGitHub(api), signal });
}

test.each(["octo/shop", "team/shop/cache"])(
  "a tag of %s goes by itself, and its image stays under another",
  async (path) => {
    const digest = await push(path, "pr-12", "edge");
    expect(await remove(path, "pr-12")).toBe("removed");
    expect(await remove(path, "pr-12")).toBe("absent");
    expect((await versionsOf(path)).map(({ name, metadata }) => [name, metadata.container.tags])).toEqual([
      [digest, ["edge"]],
    ]);
  },
);

test("without the right to delete the tag stays on its image, and the error says what is needed", async () => {
  const digest = await push("octo/other", "pr-12");
  status = 403;
  await expect(remove("octo/other", "pr-12")).rejects.toMatchObject({
    code: "PLATFORM",
    message: expect.stringContaining("for ghcr.io/octo/other"),
    hint: expect.stringContaining("`packages: write`"),
  });
  expect(await digestAt("octo/other", "pr-12")).toBe(digest);
});

test("a version with another tag is never deleted", async () => {
  const digest = await push("octo/several", "pr-12", "1.0");
  const deletes = (): number => github.requests.filter(({ method }) => method === "DELETE").length;
  const before = deletes();
  expect(await deleteAtGitHub(api)({ host: registry.host, path: "octo/several" }, digest, { signal })).toBe("refused");
  expect(deletes()).toBe(before);
});
