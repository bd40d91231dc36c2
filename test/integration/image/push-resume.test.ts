import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { assembleClusterImage } from "../../../src/image/assemble.ts";
import { type ClusterImage, uploadsOf } from "../../../src/image/cluster-image.ts";
import { tagLocal } from "../../../src/image/local-tags.ts";
import { pushClusterImage } from "../../../src/image/push.ts";
import { parseReference } from "../../../src/oci/reference.ts";
import { openStore } from "../../../src/store/store.ts";
import { type DockerRegistry, startDockerRegistry } from "../../support/docker-registry.ts";
import { type CommandHome, command, commandHome } from "../../support/kubefile-command.ts";
import { amd64, putImage, putRootfsLayer, sampleDescription } from "../../support/sample-images.ts";
import { type SlowLink, startSlowLink } from "../../support/slow-link.ts";
import { upstreamClient } from "../../support/upstream-client.ts";

const MEBIBYTE = 1024 * 1024;
const LARGE = 24 * MEBIBYTE;
/** For requests and their heads. */
const SLACK = MEBIBYTE / 2;

const opened: { stop(): Promise<void> }[] = [];
afterEach(async () => {
  for (const part of opened.splice(0).reverse()) await part.stop();
});

interface Scene {
  readonly home: CommandHome;
  readonly image: ClusterImage;
  readonly registry: DockerRegistry;
  readonly link: SlowLink;
  /** Bytes of blobs beside the large one. */
  readonly others: number;
  readonly push: readonly string[];
}

/** A registry behind a slow line, and a store with a cluster image of one large layer and some small ones. */
async function scene(distribution: 2 | 3): Promise<Scene> {
  const home = await commandHome();
  opened.push({ stop: () => home.remove() });
  const registry = await startDockerRegistry({ distribution });
  opened.push(registry);
  const link = await startSlowLink(registry.host, 16 * MEBIBYTE);
  opened.push({ stop: () => link.close() });
  const store = await openStore(home.store);
  const image = await assembleClusterImage({
    store,
    config: sampleDescription,
    layers: [await putRootfsLayer(store, "manifests")],
    images: [
      await putImage(store, {
        reference: "quay.io/shop/web:1",
        layers: [randomBytes(LARGE), randomBytes(2 * MEBIBYTE)],
      }),
    ],
    platform: amd64,
  });
  await tagLocal(store.directory, parseReference("shop:dev"), image.descriptor, { now: new Date() });
  await store.close();
  const others = uploadsOf(image).reduce((sum, { size }) => sum + size, 0) - LARGE;
  const push = ["push", "shop:dev", `${link.host}/team/shop:1`, "--store", home.store, "--insecure", link.host];
  return { home, image, registry, link, others, push };
}

/** Starts the push, and kills its process once so many bytes have gone up. */
async function killed({ home, link, push }: Scene, bytes: number): Promise<void> {
  const child = spawn(process.execPath, [command, ...push], { env: home.environment, stdio: "ignore" });
  const ended = once(child, "exit");
  await expect.poll(() => link.bytesUp(), { timeout: 30_000, interval: 10 }).toBeGreaterThan(bytes);
  child.kill("SIGKILL");
  expect((await ended)[1]).toBe("SIGKILL");
  // What the kernel had taken of its bytes still arrives.
  await expect.poll(() => link.connections(), { timeout: 30_000 }).toBe(0);
}

async function expectWhole({ registry, image }: Scene): Promise<void> {
  const client = upstreamClient();
  const repository = { host: registry.host, path: "team/shop" };
  expect((await client.resolve(repository, "1", {})).digest).toBe(image.digest);
  for (const { digest, size } of uploadsOf(image)) {
    expect(await client.hasBlob(repository, digest, {})).toEqual({ size });
  }
  await client.close();
}

describe("a push after one whose process was killed", () => {
  it("sends the rest alone, where the registry tells how far the upload came", async () => {
    const parts = await scene(3);
    const { home, link, others, push } = parts;
    const before = 16 * MEBIBYTE;
    await killed(parts, before);
    const gone = link.bytesUp();
    link.hurry();
    const { exitCode, stderr } = await home.kubefile([...push, "--progress", "plain"]);
    expect({ exitCode, stderr }).toMatchObject({ exitCode: 0 });
    expect(link.bytesUp() - gone).toBeLessThan(LARGE + others - before + SLACK);
    expect(stderr).toMatch(
      /\* push: [\d.]+ MiB sent, [\d.]+ MiB were left by an interrupted push, \d blobs? there already/,
    );
    expect(await readdir(join(home.store, "uploads"))).toEqual([]);
    await expectWhole(parts);
  });

  it("sends whole blobs again, and none that had arrived, where the registry forgets cut uploads", async () => {
    const parts = await scene(2);
    const { home, link, push } = parts;
    await killed(parts, 16 * MEBIBYTE);
    const gone = link.bytesUp();
    link.hurry();
    const { exitCode, stderr } = await home.kubefile([...push, "--progress", "plain"]);
    expect({ exitCode, stderr }).toMatchObject({ exitCode: 0 });
    expect(link.bytesUp() - gone).toBeLessThan(LARGE + SLACK);
    expect(link.bytesUp() - gone).toBeGreaterThan(LARGE);
    await expectWhole(parts);
  });
});

describe("a push whose line breaks", () => {
  it.each([2, 3] as const)("comes to its end on distribution %d", async (distribution) => {
    const parts = await scene(distribution);
    const { home, link, registry, image } = parts;
    const store = await openStore(home.store);
    const client = upstreamClient();
    opened.push({ stop: () => client.close() }, { stop: () => store.close() });
    link.hurry();
    link.cutAfter(10 * MEBIBYTE);
    const repository = { host: link.host, path: "team/shop" };
    const result = await pushClusterImage({ client, store, image, repository, tags: ["1"] });
    expect(result.digest).toBe(image.digest);
    const states = registry.log.filter((line) => /http.request.method=GET .*blobs\/uploads/.test(line)).length;
    expect(states).toBeGreaterThan(0);
    // Twice at most where it begins again, little more than once where it goes on.
    const limit = distribution === 3 ? LARGE + parts.others + 8 * MEBIBYTE : 2 * LARGE;
    expect(link.bytesUp()).toBeLessThan(limit);
    await expectWhole(parts);
  });
});
