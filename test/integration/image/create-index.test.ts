import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Grade } from "../../../src/capture/types.ts";
import { assembleClusterImage } from "../../../src/image/assemble.ts";
import { fetchClusterImage } from "../../../src/image/load.ts";
import { pushClusterImage } from "../../../src/image/push.ts";
import type { Platform } from "../../../src/oci/descriptor.ts";
import { digestOf } from "../../../src/oci/digest.ts";
import { parseReference } from "../../../src/oci/reference.ts";
import { openStore } from "../../../src/store/store.ts";
import { type DockerRegistry, startDockerRegistry } from "../../support/docker-registry.ts";
import { buildImage, buildLayer } from "../../support/image-builder.ts";
import { uploadImage } from "../../support/image-upload.ts";
import { type CommandHome, commandHome } from "../../support/kubefile-command.ts";
import { amd64, arm64, putImage, putRootfsLayer, sampleDescription } from "../../support/sample-images.ts";
import { toolPath } from "../../support/tool-path.ts";
import { upstreamClient } from "../../support/upstream-client.ts";

const execute = promisify(execFile);

let registry: DockerRegistry;
let other: DockerRegistry;
let home: CommandHome;
const client = upstreamClient();

beforeAll(async () => {
  [registry, other] = await Promise.all([startDockerRegistry({ distribution: 3 }), startDockerRegistry()]);
  home = await commandHome();
});
afterAll(async () => {
  await client.close();
  await Promise.all([registry?.stop(), other?.stop(), home?.remove()]);
});

interface Runner {
  readonly platform: Platform;
  readonly grade: Grade;
  readonly repository: string;
  readonly tag: string;
  readonly revision?: string;
}

/** What a runner of one platform pushes. @returns its name and digest */
async function pushed({ platform, grade, repository, tag, revision = "1" }: Runner): Promise<[string, string]> {
  const store = await openStore(home.store);
  const image = await assembleClusterImage({
    ...{ store, platform },
    layers: [await putRootfsLayer(store, `manifests for ${platform.architecture}`)],
    images: [await putImage(store, { reference: "docker.io/library/redis:7", layers: ["redis"], platform })],
    config: { ...sampleDescription, grade },
    annotations: { source: "https://example.com/shop", revision },
  });
  await pushClusterImage({ client, store, image, repository: { host: registry.host, path: repository }, tags: [tag] });
  await store.close();
  return [`${registry.host}/${repository}:${tag}`, image.digest];
}

async function kubefile(...args: string[]) {
  const insecure = [registry, other].flatMap(({ host }) => ["--insecure", host]);
  // A store of its own: what the runners had is not at hand.
  return home.kubefile([...args, ...insecure, "--store", `${home.directory}/joining`]);
}

async function crane(...args: string[]): Promise<string> {
  const { stdout } = await execute(await toolPath("crane"), [...args, "--insecure"]);
  return stdout.trimEnd();
}

describe("kubefile index create", () => {
  test("joins what runners pushed, by tag and by digest, and prints the digest", async () => {
    const [one, first] = await pushed({ platform: amd64, grade: "ready", repository: "a/shop", tag: "run-1" });
    const [two, second] = await pushed({ platform: arm64, grade: "ready", repository: "a/shop", tag: "run-2" });
    const name = `${registry.host}/a/shop:1.0`;
    const byDigest = `${two.replace(/:run-2$/, "")}@${second}`;
    const created = await kubefile("index", "create", "-t", name, one, byDigest);
    expect(created).toMatchObject({ exitCode: 0, stdout: expect.stringMatching(/:1\.0@sha256:[0-9a-f]{64}\n$/) });
    const raw = await crane("manifest", name);
    const digest = digestOf(raw);
    // The runners' images do not depend on where they are, so neither does this.
    expect(digest).toBe("sha256:43aaeccc701d3f16ba3fc4d19c8b5c0c1564083ab720e2d6f636ed5348c7accf");
    expect(created.stdout).toBe(`${name}@${digest}\n`);
    expect(JSON.parse(raw)).toMatchObject({
      manifests: [
        { digest: first, platform: amd64, annotations: { "vnd.kubefile.grade": "ready" } },
        { digest: second, platform: arm64, annotations: { "vnd.kubefile.grade": "ready" } },
      ],
      annotations: { "org.opencontainers.image.revision": "1" },
    });
    expect(await Promise.all(["amd64", "arm64"].map((arch) => crane("digest", `${name}-${arch}`)))).toEqual([
      first,
      second,
    ]);
    const again = await kubefile("index", "create", "-t", name, "--format", "json", byDigest, one, one, name);
    expect(JSON.parse(again.stdout)).toEqual({
      digest,
      references: [name],
      platforms: [
        { platform: "linux/amd64", digest: first, grade: "ready" },
        { platform: "linux/arm64", digest: second, grade: "ready" },
      ],
    });
  });

  test("brings images of other repositories there by mounts, and to another registry by copies", async () => {
    const [one] = await pushed({ platform: amd64, grade: "ready", repository: "b/of-amd64", tag: "1" });
    const [two] = await pushed({ platform: arm64, grade: "ready", repository: "b/of-arm64", tag: "1" });
    const before = registry.log.length;
    const names = [`${registry.host}/b/shop:1`, `${other.host}/b/shop:1`];
    const { exitCode, stderr } = await kubefile("index", "create", ...names.flatMap((each) => ["-t", each]), one, two);
    expect(exitCode, stderr).toBe(0);
    const sent = registry.log.slice(before).filter((line) => /"(?:PUT|PATCH) \S+\/blobs\//.test(line));
    expect(sent).toEqual([]);
    for (const name of names) {
      for (const platform of [amd64, arm64]) {
        const store = await openStore(`${home.directory}/${name.replaceAll("/", "-")}`);
        const image = await fetchClusterImage({ client, store, reference: parseReference(name), platform });
        expect(image.config.platform).toEqual(platform);
        await store.close();
      }
    }
    expect(await crane("digest", names[0] ?? "")).toBe(await crane("digest", names[1] ?? ""));
  });

  test("refuses two images of one platform, and tells all that does not go together", async () => {
    const [one] = await pushed({ platform: amd64, grade: "ready", repository: "c/shop", tag: "1" });
    const [two] = await pushed({ platform: amd64, grade: "pulled", repository: "c/shop", tag: "2" });
    const { exitCode, stderr } = await kubefile("index", "create", "-t", `${registry.host}/c/shop:x`, one, two);
    expect(exitCode).toBe(2);
    expect(stderr).toContain(`linux/amd64: ${one}, ${two}`);
    expect(stderr).toContain("grades differ: linux/amd64 is ready, linux/amd64 is pulled");
    await expect(crane("digest", `${registry.host}/c/shop:x`)).rejects.toThrow("MANIFEST_UNKNOWN");
  });

  test("joins what was not rehearsed only when it is allowed, and marks it", async () => {
    const [one] = await pushed({ platform: amd64, grade: "ready", repository: "d/shop", tag: "1" });
    const [two] = await pushed({ platform: arm64, grade: "static", repository: "d/shop", tag: "2", revision: "2" });
    const name = `${registry.host}/d/shop:x`;
    expect(await kubefile("index", "create", "-t", name, one, two)).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining("--mixed-grades"),
    });
    const { exitCode, stderr } = await kubefile("index", "create", "--mixed-grades", "-t", name, one, two);
    expect(exitCode, stderr).toBe(0);
    expect(stderr).toContain("the images were built from different commits");
    expect(JSON.parse(await crane("manifest", name)).annotations).toEqual({
      "org.opencontainers.image.source": "https://example.com/shop",
      "vnd.kubefile.artifact-type": "application/vnd.kubefile.cluster.v1",
      "vnd.kubefile.not-rehearsed": "linux/arm64",
    });
  });

  test("refuses what is no cluster image, and an index without a name", async () => {
    const layers = [await buildLayer([{ path: "web", content: "web" }])];
    await uploadImage(registry, "e/web", "1", buildImage({ format: "oci", layers, entrypoint: ["/web"] }));
    const name = `${registry.host}/e/web:1`;
    const foreign = await kubefile("index", "create", "-t", `${registry.host}/e/shop:1`, name);
    expect(foreign).toMatchObject({ exitCode: 1, stderr: expect.stringContaining("not a cluster image") });
    expect(foreign.stderr).toContain(name);
    expect(await kubefile("index", "create", name)).toMatchObject({ exitCode: 2 });
  });
});

describe("verbs that are given an index", () => {
  let name: string;
  beforeAll(async () => {
    const [one] = await pushed({ platform: amd64, grade: "ready", repository: "f/shop", tag: "1" });
    const [two] = await pushed({ platform: arm64, grade: "ready", repository: "f/shop", tag: "2" });
    name = `${registry.host}/f/shop:1.0`;
    const { exitCode, stderr } = await kubefile("index", "create", "-t", name, one, two);
    expect(exitCode, stderr).toBe(0);
  });

  test("inspect lists its platforms, and shows the one that is chosen", async () => {
    const { stdout } = await kubefile("inspect", name);
    expect(stdout).toMatch(/Index of 2 platforms\n {2}sha256:.*\n.*\n\n +PLATFORM +GRADE +DIGEST +SIZE\n/);
    expect(stdout).toMatch(/ +linux\/amd64 +ready +sha256:.* KiB|B\n +linux\/arm64 +ready/);
    const { platforms } = JSON.parse((await kubefile("inspect", "--format", "json", name)).stdout);
    expect(platforms).toMatchObject([
      { platform: "linux/amd64", images: 1, needsNetwork: false },
      { platform: "linux/arm64", images: 1, needsNetwork: false },
    ]);
    const chosen = await kubefile("inspect", "--format", "json", "--platform", "linux/arm64", name);
    expect(JSON.parse(chosen.stdout)).toMatchObject({
      digest: platforms[1].digest,
      config: { platform: arm64 },
      images: { list: [{ reference: "docker.io/library/redis:7" }] },
    });
    const none = await kubefile("inspect", "--platform", "linux/s390x", name);
    expect(none).toMatchObject({ exitCode: 1 });
    expect(none.stderr).toContain("choose with --platform linux/amd64 or linux/arm64");
  });

  test("tag names the index, or the image of a platform", async () => {
    await kubefile("tag", name, "edge");
    await kubefile("tag", "--platform", "linux/arm64", name, "edge-of-arm");
    const digests = await Promise.all(
      ["1.0", "edge", "1.0-arm64", "edge-of-arm"].map((tag) => crane("digest", name.replace("1.0", tag))),
    );
    expect(digests[1]).toBe(digests[0]);
    expect(digests[3]).toBe(digests[2]);
    expect(await kubefile("tag", "--platform", "linux/arm64", name.replace("1.0", "edge-of-arm"), "x")).toMatchObject({
      exitCode: 2,
    });
  });

  test("diff compares the images of a platform, and refuses an image of another", async () => {
    const { stdout } = await kubefile(
      "diff",
      "--format",
      "json",
      "--no-files",
      "--platform",
      "linux/arm64",
      name,
      name,
    );
    expect(JSON.parse(stdout)).toMatchObject({ from: { platform: "linux/arm64" }, transfer: { bytes: 0 } });
    const wrong = await kubefile("diff", "--platform", "linux/arm64", name, name.replace("1.0", "1.0-amd64"));
    expect(wrong).toMatchObject({
      exitCode: 1,
      stderr: expect.stringContaining("is for linux/amd64, not for linux/arm64"),
    });
  });
});
