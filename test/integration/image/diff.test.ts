import { execFile } from "node:child_process";
import { mkdir, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Readable } from "node:stream";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { assembleClusterImage } from "../../../src/image/assemble.ts";
import type { ClusterImage } from "../../../src/image/cluster-image.ts";
import type { ImageDiff } from "../../../src/image/diff-types.ts";
import { tagLocal } from "../../../src/image/local-tags.ts";
import { exportOciLayout } from "../../../src/image/oci-layout.ts";
import { pushClusterImage } from "../../../src/image/push.ts";
import { compileSchema } from "../../../src/image/schema.ts";
import { digestOf } from "../../../src/oci/digest.ts";
import { OCI_LAYER_GZIP } from "../../../src/oci/media-types.ts";
import { parseReference } from "../../../src/oci/reference.ts";
import { openStore } from "../../../src/store/store.ts";
import { type CountingProxy, startCountingProxy } from "../../support/counting-proxy.ts";
import { type DockerRegistry, startDockerRegistry } from "../../support/docker-registry.ts";
import { buildLayer, type Entry } from "../../support/image-builder.ts";
import { type CommandHome, commandHome } from "../../support/kubefile-command.ts";
import { amd64, putImage, sampleDescription } from "../../support/sample-images.ts";
import { upstreamClient } from "../../support/upstream-client.ts";

const run = promisify(execFile);

let registry: DockerRegistry;
let proxy: CountingProxy;
let home: CommandHome;
let old: ClusterImage;

const base: readonly Entry[] = [
  { path: "manifests/web.yaml", content: "old" },
  { path: "bin/tool", content: "a tool", mode: 0o755 },
  { path: "bin/link", target: "tool" },
];

/** Two releases that share a layer: the one in a registry and an archive, the other in the store, by name and in an archive. */
beforeAll(async () => {
  registry = await startDockerRegistry();
  proxy = await startCountingProxy(registry.host);
  home = await commandHome();
  const store = await openStore(home.store);
  const release = async (changes: readonly Entry[], web: string): Promise<ClusterImage> => {
    const layers = await Promise.all(
      [base, changes].map(async (entries) => {
        const { bytes, diffId } = await buildLayer(entries);
        const { digest, size } = await store.write(Readable.from([bytes]));
        return { descriptor: { mediaType: OCI_LAYER_GZIP, digest, size }, diffId: digestOf(diffId) };
      }),
    );
    const images = [await putImage(store, { reference: "quay.io/shop/web:1", layers: ["shared", web] })];
    return assembleClusterImage({ store, config: sampleDescription, layers, images, platform: amd64 });
  };
  old = await release([{ path: "etc/old.conf", content: "1" }], "old");
  const now = await release(
    [
      { path: "etc/new.conf", content: "12" },
      { path: "manifests/web.yaml", content: "new, and longer" },
      { path: "bin/.wh.link", content: "" },
    ],
    "new",
  );
  const client = upstreamClient();
  const repository = { host: proxy.host, path: "team/shop" };
  await pushClusterImage({ client, store, image: old, repository, tags: ["1.0"] });
  await client.close();
  await tagLocal(store.directory, parseReference("shop:dev"), now.descriptor, { now: new Date() });
  for (const [image, name] of [
    [old, "old"],
    [now, "new"],
  ] as const) {
    const references = [parseReference(`registry.example/shop:${name}`)];
    await exportOciLayout({ store, image, references, destination: join(home.directory, `${name}.tar`) });
  }
  await store.close();
});

afterAll(async () => {
  await home.remove();
  await proxy.stop();
  await registry.stop();
});

async function diffOf(from: string, to: string, ...flags: readonly string[]): Promise<ImageDiff> {
  const result = await home.kubefile(["diff", from, to, "--format", "json", "--store", home.store, ...flags]);
  expect(result).toMatchObject({ exitCode: 0 });
  const diff: ImageDiff = JSON.parse(result.stdout);
  expect(compileSchema("diff")(diff)).not.toHaveProperty("problems");
  return diff;
}

const expectedFiles = {
  added: [{ path: "etc/new.conf", type: "file", size: 2, mode: "0644", digest: digestOf("12") }],
  removed: [
    { path: "bin/link", type: "link", target: "tool" },
    { path: "etc/old.conf", type: "file", size: 1, mode: "0644", digest: digestOf("1") },
  ],
  changed: [
    {
      path: "manifests/web.yaml",
      from: { type: "file", size: 3, mode: "0644", digest: digestOf("old") },
      to: { type: "file", size: 15, mode: "0644", digest: digestOf("new, and longer") },
    },
  ],
  unchanged: 1,
};

describe("kubefile diff", () => {
  it("compares archives, without a store and a registry", async () => {
    const store = join(home.directory, "empty store");
    const [from, to] = ["old.tar", "new.tar"].map((name) => join(home.directory, name));
    const diff = await diffOf(from ?? "", to ?? "", "--store", store);
    expect(diff.rootfs.files).toEqual(expectedFiles);
    expect(diff.images.moved).toHaveLength(1);
    expect(await readdir(join(store, "blobs/sha256"))).toEqual([]);
  });

  it("finds the same between a registry and a name given here", async () => {
    const fromArchives = await diffOf(join(home.directory, "old.tar"), join(home.directory, "new.tar"));
    const diff = await diffOf(`${proxy.host}/team/shop:1.0`, "shop:dev", "--insecure", proxy.host);
    expect({ ...diff, from: "", to: "" }).toEqual({ ...fromArchives, from: "", to: "" });
    expect(diff.from).toMatchObject({
      reference: `${proxy.host}/team/shop:1.0`,
      digest: old.digest,
      platform: "linux/amd64",
    });
  });

  it("reads of a registry what it needs: no layer of an image, and of the rootfs none with --no-files", async () => {
    const empty = join(home.directory, "another empty store");
    const archive = join(home.directory, "new.tar");
    const layers = old.blobs.filter(({ role }) => role === "layer" || role === "rootfs");
    const fetched = (): string[] =>
      proxy.requests.filter(({ url }) => layers.some(({ digest }) => url.endsWith(digest))).map(({ url }) => url);
    proxy.clear();
    const without = await diffOf(
      `${proxy.host}/team/shop:1.0`,
      archive,
      "--store",
      empty,
      "--no-files",
      "--insecure",
      proxy.host,
    );
    expect(without.rootfs).toMatchObject({ layers: { kept: 1 }, notCompared: "as --no-files asks" });
    expect(fetched()).toEqual([]);
    await diffOf(`${proxy.host}/team/shop:1.0`, archive, "--store", empty, "--insecure", proxy.host);
    const rootfs = old.blobs.filter(({ role }) => role === "rootfs");
    expect(fetched().sort()).toEqual(rootfs.map(({ digest }) => `/v2/team/shop/blobs/${digest}`).sort());
  });

  it("takes an archive that another tool copied", async () => {
    const copied = join(home.directory, "copied.tar");
    await run("skopeo", [
      "copy",
      "--preserve-digests",
      `oci-archive:${join(home.directory, "old.tar")}:old`,
      `oci-archive:${copied}:1`,
    ]);
    expect((await diffOf(copied, join(home.directory, "old.tar"))).identical).toBe(true);
  });

  it("prints text and markdown", async () => {
    const names = [join(home.directory, "old.tar"), join(home.directory, "new.tar")];
    const text = await home.kubefile(["diff", ...names]);
    expect(text.stdout).toContain("Files  1 unchanged\n  ~ manifests/web.yaml  3 B -> 15 B\n");
    const markdown = await home.kubefile(["diff", ...names, "--format", "markdown"]);
    expect(markdown.stdout).toContain("| moved | `quay.io/shop/web:1` |");
    const cut = await home.kubefile(["diff", ...names, "--format", "markdown", "--limit", "700"]);
    expect(Buffer.byteLength(cut.stdout)).toBeLessThanOrEqual(700);
  });

  it("says what is wrong with a name", async () => {
    const directory = join(home.directory, "a directory");
    await mkdir(directory);
    await writeFile(join(directory, "no.tar"), "x".repeat(600));
    const notTar = await home.kubefile(["diff", join(directory, "no.tar"), "shop:dev", "--store", home.store]);
    expect(notTar).toMatchObject({ exitCode: 1, stdout: "" });
    expect(notTar.stderr).toContain("is not the tar of an OCI layout: there is no header at byte 0");
    const absent = await home.kubefile(["diff", `${proxy.host}/team/shop:2`, "shop:dev", "--insecure", proxy.host]);
    expect(absent.stderr).toContain("error[REGISTRY]: cannot fetch: ");
  });
});
