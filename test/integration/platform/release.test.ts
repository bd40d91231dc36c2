import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { createGitHubPlatform } from "../../../src/platform/github.ts";
import { type DockerRegistry, startDockerRegistry } from "../../support/docker-registry.ts";
import { type FakeReleases, startFakeReleases } from "../../support/github-releases.ts";
import { buildImage, buildLayer } from "../../support/image-builder.ts";
import { uploadImage } from "../../support/image-upload.ts";
import { type CommandOutcome, kubefile } from "../../unit/cli/command.ts";

let directory: string;
let registry: DockerRegistry;
let github: FakeReleases;
let name: string;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "kubefile-releases-"));
  registry = await startDockerRegistry();
  name = `${registry.host}/demo/shop`;
  for (const [position, image] of ["web", "cart"].entries()) {
    const layer = await buildLayer([{ path: image, content: image.repeat(position + 1) }]);
    await uploadImage(
      registry,
      `shop/${image}`,
      "1",
      buildImage({ format: "oci", layers: [layer], entrypoint: ["/app"] }),
    );
  }
  await build("1.4.1", ["web"]);
  await build("1.4.2", ["web", "cart"]);
});
afterAll(async () => {
  await Promise.all([registry.stop(), github?.stop()]);
  await rm(directory, { recursive: true, force: true });
});
beforeEach(async () => {
  await github?.stop();
  github = await startFakeReleases("write");
});

async function build(version: string, images: readonly string[]): Promise<void> {
  const context = join(directory, version);
  await mkdir(context, { recursive: true });
  const pods = images.map((image) => ({
    ...{ apiVersion: "v1", kind: "Pod", metadata: { name: image } },
    spec: { containers: [{ name: "app", image: `docker.io/shop/${image}:1` }] },
  }));
  const list = { apiVersion: "v1", kind: "List", items: pods };
  await writeFile(join(context, "pods.yaml"), JSON.stringify(list));
  await writeFile(join(context, "Kubefile"), "FROM scratch\nCOPY pods.yaml .\nCMD kubectl apply -f pods.yaml\n");
  const flags = [
    "--capture",
    "static",
    "--mirror",
    `docker.io=${registry.url}`,
    "--lock",
    "--tag",
    `${name}:${version}`,
  ];
  const outcome = await kubefile(["build", ...flags, "--push", context], { cwd: directory });
  expect(outcome.exitCode, outcome.stderr).toBe(0);
}

async function release(ref: string, ...flags: readonly string[]): Promise<CommandOutcome> {
  const env = {
    ...{ GITHUB_ACTIONS: "true", GITHUB_REF: ref, GITHUB_SHA: "0123456789abcdef0123456789abcdef01234567" },
    ...{ GITHUB_API_URL: github.url, GITHUB_REPOSITORY: "shop/app", GITHUB_TOKEN: "ghs_token" },
  };
  const { signal } = new AbortController();
  const log = { write: () => undefined };
  const platform = createGitHubPlatform({ env, cwd: directory, log, signal });
  return await kubefile(["release", ...flags, `${name}:1.4.2`], { cwd: directory, env, platform });
}

test("a release tells what the image is and what changed, and holds image and lock", async () => {
  const lock = join(directory, "1.4.2", "kubefile.lock");
  const outcome = await release("refs/tags/v1.4.2", "--archive", "--attach", lock);
  expect(outcome).toMatchObject({
    exitCode: 0,
    stdout: expect.stringContaining("released: https://gh.example/v1.4.2"),
  });
  const [made] = github.releases;
  expect(made).toMatchObject({ tag: "v1.4.2", name: "1.4.2", draft: false });
  expect([...(made?.files.keys() ?? [])]).toEqual(["shop-1.4.2.tar", "kubefile.lock"]);
  expect(made?.body).toMatch(/A cluster image of 2 images, .*grade `static`/);
  expect(made?.body).toContain("## Since 1.4.1");
  expect(made?.body).toMatch(/\| `docker\.io\/shop\/cart:1` \| `[0-9a-f]{12}` \| .* \|/);
  expect(made?.body).toContain(`kubefile verify ${name}@sha256:`);

  const archive = join(directory, "released.tar");
  await writeFile(archive, made?.files.get("shop-1.4.2.tar") ?? "");
  const same = await kubefile(["diff", `${name}:1.4.2`, archive, "--format", "json"], { cwd: directory });
  expect(JSON.parse(same.stdout)).toMatchObject({ identical: true });
});

test("the first release has nothing to compare with, and a dry run writes nothing", async () => {
  const outcome = await release("refs/tags/v1.4.0", "--dry-run");
  expect(outcome.exitCode, outcome.stderr).toBe(0);
  expect(outcome.stdout).not.toContain("## Since");
  expect(github.server.requests).toEqual([]);
});

test.each([
  ["refs/heads/main", [], "this run stands on no Git tag that names a version"],
  ["refs/tags/nightly", [], "this run stands on no Git tag that names a version"],
  ["refs/tags/v1.4.2", ["--attach", "nowhere.lock"], "is no file that could hang on a release"],
])("of %s with %j there is none", async (ref, flags, message) => {
  const outcome = await release(ref, ...flags);
  expect(outcome.exitCode).toBe(2);
  expect(outcome.stderr).toContain(message);
  expect(github.server.requests).toEqual([]);
});
