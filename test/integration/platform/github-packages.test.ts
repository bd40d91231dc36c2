import { existsSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { Readable } from "node:stream";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { removeTag } from "../../../src/image/remove-tag.ts";
import { digestOf } from "../../../src/oci/digest.ts";
import { type GitHubApi, openGitHubApi } from "../../../src/platform/github-api.ts";
import { deleteAtGitHub, packagesRegistry } from "../../../src/platform/github-packages.ts";
import { createRegistryClient } from "../../../src/registry/client.ts";
import { noCredentials } from "../../../src/registry/credentials.ts";
import type { RegistryClient } from "../../../src/registry/types.ts";
import { type DockerRegistry, startDockerRegistry } from "../../support/docker-registry.ts";
import { type GitHubServer, startGitHubServer } from "../../support/github/server.ts";

const OCI = "application/vnd.oci.image.manifest.v1+json";
const { signal } = new AbortController();

let registry: DockerRegistry;
let github: GitHubServer;
let api: GitHubApi;
let client: RegistryClient;
/** GitHub may give fewer than were asked for. */
let versionsPerPage: number;

beforeAll(async () => {
  registry = await startDockerRegistry();
  client = createRegistryClient({ credentials: noCredentials, userAgent: "test", insecure: new Set([registry.host]) });
  // GitHub's packages over a registry: each manifest is a version, tagged or not.
  github = await startGitHubServer({ packages: "write" }, async ({ operation, path, query }) => {
    const owner = path.username ?? path.org ?? "";
    if (owner !== "octo" && owner !== "team") return undefined;
    const type = owner === "octo" ? "User" : "Organization";
    if (operation === "users/get-by-username") return { status: 200, body: { login: owner, type } };
    if (type !== (path.org === undefined ? "User" : "Organization")) return undefined;
    const repository = `${owner}/${path.package_name}`;
    const versions = await versionsOf(repository);
    if (path.package_version_id === undefined) {
      const page = Number(query.page ?? 1);
      return { status: 200, body: versions.slice((page - 1) * versionsPerPage, page * versionsPerPage) };
    }
    const version = versions.find(({ id }) => String(id) === path.package_version_id);
    if (version === undefined) return undefined;
    await fetch(`${registry.url}/v2/${repository}/manifests/${version.name}`, { method: "DELETE" });
    return { status: 204 };
  });
  const proxy = {};
  api = openGitHubApi({ server: github.url, token: "ghs_token", proxy, signal });
});
afterAll(async () => {
  await client.close();
  await api[Symbol.asyncDispose]();
  await Promise.all([registry.stop(), github.stop()]);
});
beforeEach(() => {
  versionsPerPage = 100;
  github.permissions = { packages: "write" };
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
    return {
      id: Number.parseInt(name.slice(7, 17), 16),
      name,
      metadata: { package_type: "container", container: { tags: own } },
    };
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
  github.permissions = { packages: "read" };
  await expect(remove("octo/other", "pr-12")).rejects.toMatchObject({
    code: "PLATFORM",
    message: expect.stringContaining(`for ${registry.host}/octo/other`),
    hint: expect.stringContaining("`packages: write`"),
  });
  expect(await digestAt("octo/other", "pr-12")).toBe(digest);
});

test("a version behind pages that are shorter than was asked for is found", async () => {
  versionsPerPage = 1;
  for (const each of ["one", "two", "three"]) await push("octo/pages", each);
  for (const each of ["one", "two", "three"]) expect(await remove("octo/pages", each)).toBe("removed");
});

test.each([
  [undefined, "ghcr.io"],
  ["https://github.com", "ghcr.io"],
  ["https://octo.ghe.com", "containers.octo.ghe.com"],
  ["https://github.example/", "containers.github.example"],
])("packages of %s are at %s", (server, host) => {
  expect(packagesRegistry(server)).toBe(host);
});

test("a version with another tag is never deleted", async () => {
  const digest = await push("octo/several", "pr-12", "1.0");
  const deletes = (): number => github.log.filter((line) => line.startsWith("DELETE")).length;
  const before = deletes();
  expect(await deleteAtGitHub(api)({ host: registry.host, path: "octo/several" }, digest, { signal })).toBe("refused");
  expect(deletes()).toBe(before);
});
