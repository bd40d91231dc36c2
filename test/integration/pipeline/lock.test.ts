import { readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { formatLock } from "../../../src/lock/format-lock.ts";
import { parseLock } from "../../../src/lock/read-lock.ts";
import type { LockedImage } from "../../../src/lock/types.ts";
import { parseDigest } from "../../../src/oci/digest.ts";
import type { BuildOptions } from "../../../src/pipeline/options.ts";
import type { ProgressEvent } from "../../../src/pipeline/progress.ts";
import { refreshLock } from "../../../src/pipeline/refresh-lock.ts";
import { type BuiltInProcess, buildInProcess, hostIn } from "../../support/build-in-process.ts";
import { type DockerRegistry, startDockerRegistry } from "../../support/docker-registry.ts";
import { buildImage, buildLayer } from "../../support/image-builder.ts";
import { uploadImage } from "../../support/image-upload.ts";
import { temporaryDirectories } from "../../support/temporary-directory.ts";

const createDirectory = temporaryDirectories();

let registry: DockerRegistry;
beforeAll(async () => {
  registry = await startDockerRegistry();
});
afterAll(() => registry?.stop());

/** Pushes an image of this content and returns its digest, which the tag stands for from now on. */
async function push(name: string, content: string): Promise<string> {
  const [repository = "", tag = ""] = name.split(":");
  const layer = await buildLayer([{ path: "content", content }]);
  const image = buildImage({ format: "oci", layers: [layer], entrypoint: ["/content"] });
  await uploadImage({ url: registry.url }, repository, tag, image);
  return image.root.digest;
}

function captured(name: string, digest: string): LockedImage {
  return { reference: `${registry.host}/${name}`, digest: parseDigest(digest), role: "captured", grade: "static" };
}

function pod(...names: readonly string[]): string {
  const containers = names.map((name, index) => `{ name: c${index}, image: "${registry.host}/${name}" }`);
  return `apiVersion: v1\nkind: Pod\nmetadata: { name: web }\nspec: { containers: [${containers.join(", ")}] }\n`;
}

interface Project {
  readonly directory: string;
  readonly notes: string[];
  build(manifest: string, options?: Partial<BuildOptions>): Promise<BuiltInProcess>;
  lock(): Promise<readonly LockedImage[]>;
}

async function project(): Promise<Project> {
  const directory = await createDirectory();
  const notes: string[] = [];
  return {
    directory,
    notes,
    build: (manifest, options = {}) =>
      buildInProcess({
        directory,
        files: { Kubefile: "FROM scratch\nCOPY . .\nCMD kubectl apply -f pod.yaml\n", "pod.yaml": manifest },
        options,
        onProgress: (event: ProgressEvent) => {
          if (event.type === "note") notes.push(event.text);
        },
      }),
    lock: async () => (await parseLock(await readFile(lockIn(directory), "utf8"), "kubefile.lock")).images,
  };
}

function lockIn(directory: string): string {
  return join(directory, "context", "kubefile.lock");
}

describe("a build", () => {
  test("writes no lock unless it is asked to; then what every tag stood for", async () => {
    const one = await push("write/one:1", "one");
    const { build, lock, notes, directory } = await project();
    await build(pod("write/one:1"));
    await expect(stat(lockIn(directory))).rejects.toMatchObject({ code: "ENOENT" });
    await build(pod("write/one:1"), { lock: "write" });
    expect(await lock()).toEqual([captured("write/one:1", one)]);
    expect(notes).toEqual(["kubefile.lock: written, 1 image"]);
  });

  test("that has a lock holds on to it, while tags move; what is new is added, and what is unused goes", async () => {
    const one = await push("held/one:1", "one");
    const gone = await push("held/gone:1", "gone");
    const { build, lock, notes } = await project();
    await build(pod("held/one:1", "held/gone:1"), { lock: "write" });
    expect(await lock()).toEqual([captured("held/gone:1", gone), captured("held/one:1", one)]);
    await push("held/one:1", "another one");
    const two = await push("held/two:1", "two");
    const { report } = await build(pod("held/one:1", "held/two:1"));
    expect(report.images.map(({ digest }) => digest)).toEqual([one, two]);
    expect(await lock()).toEqual([captured("held/one:1", one), captured("held/two:1", two)]);
    expect(notes.at(-1)).toBe("kubefile.lock: 1 added, 1 removed");
  });

  test("touches a lock that stays as it is no more than one that it may not write", async () => {
    await push("calm/one:1", "one");
    const { build, directory } = await project();
    await build(pod("calm/one:1"), { lock: "write" });
    const before = await stat(lockIn(directory));
    await build(pod("calm/one:1"));
    expect((await stat(lockIn(directory))).mtimeMs).toBe(before.mtimeMs);
    expect((await stat(lockIn(directory))).ino).toBe(before.ino);
  });

  test("without a lock, though one is there, follows the tags and leaves it alone", async () => {
    await push("off/one:1", "one");
    const { build, directory } = await project();
    await build(pod("off/one:1"), { lock: "write" });
    const before = await readFile(lockIn(directory), "utf8");
    const moved = await push("off/one:1", "moved");
    const { report } = await build(pod("off/one:1"), { lock: "off" });
    expect(report.images.map(({ digest }) => digest)).toEqual([moved]);
    expect(await readFile(lockIn(directory), "utf8")).toBe(before);
  });

  test("is the same whether the lock was there or not: it is no part of the rootfs", async () => {
    await push("same/one:1", "one");
    const { build } = await project();
    const first = await build(pod("same/one:1"), { lock: "write" });
    const second = await build(pod("same/one:1"));
    expect(second.image.digest).toBe(first.image.digest);
    expect(second.layers.flat()).not.toContain("kubefile.lock");
  });
});

describe("an image that a Kubefile takes files from", () => {
  const files = (): Record<string, string> => ({
    Kubefile: `FROM scratch\nCOPY --from=${registry.host}/base/files:1 content content\nCMD kubectl version\n`,
  });
  const kubefile = (directory: string, lock: BuildOptions["lock"]): Promise<BuiltInProcess> =>
    buildInProcess({ directory, files: files(), options: { lock } });

  test("is in the lock, and the same while the lock holds, until it is refreshed", async () => {
    const old = await push("base/files:1", "old");
    const directory = await createDirectory();
    await kubefile(directory, "write");
    const base = { reference: `${registry.host}/base/files:1`, digest: old, role: "base" };
    expect((await parseLock(await readFile(lockIn(directory), "utf8"), "")).images).toEqual([base]);
    await push("base/files:1", "new");
    expect((await kubefile(directory, "exact")).readText("content")).toBe("old");
    expect((await kubefile(directory, "auto")).readText("content")).toBe("old");
    const host = await hostIn(directory);
    const file = join(directory, "context", "Kubefile");
    await refreshLock(host, { file, fileShown: "Kubefile", update: [`${registry.host}/base/*`], check: false });
    await host.client.close();
    expect((await kubefile(directory, "exact")).readText("content")).toBe("new");
  });
});

describe("a locked build", () => {
  test("is the same image again, whatever has become of the tags", async () => {
    await push("exact/one:1", "one");
    const { build, directory } = await project();
    const first = await build(pod("exact/one:1"), { lock: "write" });
    await push("exact/one:1", "another");
    const text = await readFile(lockIn(directory), "utf8");
    const elsewhere = await buildInProcess({
      directory: await createDirectory(),
      files: {
        Kubefile: "FROM scratch\nCOPY . .\nCMD kubectl apply -f pod.yaml\n",
        "pod.yaml": pod("exact/one:1"),
        "kubefile.lock": text,
      },
      options: { lock: "exact" },
    });
    expect(elsewhere.image.digest).toBe(first.image.digest);
  });

  test("fails with all that differs, before anything is made of it", async () => {
    const one = await push("drift/one:1", "one");
    const two = await push("drift/two:1", "two");
    const three = await push("drift/three:1", "three");
    const { build, directory } = await project();
    await build(pod("drift/one:1", "drift/two:1"), { lock: "write" });
    const before = await readFile(lockIn(directory), "utf8");
    const { host } = registry;
    await expect(build(pod("drift/one:1", "drift/three:1"), { lock: "exact" })).rejects.toMatchObject({
      code: "LOCK_MISMATCH",
      message: [
        "this build is not what kubefile.lock says:",
        `  + ${host}/drift/three:1 ${three}`,
        `  - ${host}/drift/two:1 ${two}`,
      ].join("\n"),
      hint: "when that is as it should be, write the lock anew with kubefile build --lock, and commit it",
    });
    const pinned = pod("drift/one:1").replace("/one:1", `/one:1@${two}`);
    await push("drift/one:2", "two");
    await expect(build(pinned, { lock: "exact" })).rejects.toMatchObject({
      code: "LOCK_MISMATCH",
      message: expect.stringContaining(`  ~ ${host}/drift/one:1 ${one} -> ${two}`),
    });
    expect(await readFile(lockIn(directory), "utf8")).toBe(before);
  });

  test("says which digest is to be had no more", async () => {
    await push("lost/one:1", "one");
    const { build, directory } = await project();
    await build(pod("lost/one:1"), { lock: "write" });
    const [image] = (await parseLock(await readFile(lockIn(directory), "utf8"), "")).images;
    const missing = `sha256:${"0".repeat(64)}`;
    await writeFile(lockIn(directory), formatLock({ images: [captured("lost/one:1", missing)] }));
    await expect(build(pod("lost/one:1"), { lock: "exact" })).rejects.toMatchObject({
      code: "PULL_FAILED",
      message: expect.stringContaining(`kubefile.lock pins ${image?.reference} to ${missing}`),
      hint: expect.stringContaining("kubefile lock --update"),
    });
  });

  test("needs a lock that can be read", async () => {
    const { build, directory } = await project();
    await expect(build(pod(), { lock: "exact" })).rejects.toMatchObject({
      code: "USAGE",
      message: "--locked needs kubefile.lock, and there is none",
    });
    await writeFile(lockIn(directory), "images: []\n");
    await expect(build(pod(), { lock: "auto" })).rejects.toMatchObject({ code: "LOCK_INVALID" });
  });
});

describe("a refreshed lock", () => {
  async function locked(
    prefix: string,
  ): Promise<Project & { refresh: (update?: string[], check?: boolean) => Promise<readonly string[]> }> {
    await push(`${prefix}/one:1`, "one");
    await push(`${prefix}/two:1`, "two");
    const made = await project();
    await made.build(pod(`${prefix}/one:1`, `${prefix}/two:1`), { lock: "write" });
    return {
      ...made,
      refresh: async (update = [], check = false) => {
        const host = await hostIn(made.directory);
        const file = join(made.directory, "context", "Kubefile");
        const { lock } = await refreshLock(host, { file, fileShown: "Kubefile", update, check });
        await host.client.close();
        return lock.images.map(({ digest }) => digest);
      },
    };
  }

  test("has what its tags stand for now, all or those that were named", async () => {
    const { refresh, lock } = await locked("fresh");
    const [one, two] = (await lock()).map(({ digest }) => digest);
    expect(await refresh()).toEqual([one, two]);
    const newOne = await push("fresh/one:1", "new one");
    const newTwo = await push("fresh/two:1", "new two");
    expect(await refresh([`${registry.host}/fresh/t*`])).toEqual([one, newTwo]);
    expect(await lock()).toEqual([captured("fresh/one:1", `${one}`), captured("fresh/two:1", newTwo)]);
    expect(await refresh()).toEqual([newOne, newTwo]);
  });

  test("is only looked at when it is checked", async () => {
    const { refresh, lock } = await locked("check");
    const before = await lock();
    expect(await refresh([], true)).toHaveLength(2);
    const moved = await push("check/one:1", "moved");
    await expect(refresh([], true)).rejects.toMatchObject({
      code: "LOCK_MISMATCH",
      message: `tags in kubefile.lock have moved:\n  ~ ${before[0]?.reference} ${before[0]?.digest} -> ${moved}`,
      hint: expect.stringContaining("with kubefile lock,"),
    });
    expect(await lock()).toEqual(before);
  });

  test("names what cannot be refreshed", async () => {
    const { refresh } = await locked("fail");
    await expect(refresh([`${registry.host}/fail/on:1`])).rejects.toMatchObject({
      code: "USAGE",
      message: `no tag in the lock is named ${registry.host}/fail/on:1`,
      hint: `did you mean "${registry.host}/fail/one:1"?`,
    });
    const { directory, build } = await project();
    await build(pod());
    const host = await hostIn(directory);
    const file = join(directory, "context", "Kubefile");
    await expect(refreshLock(host, { file, fileShown: "Kubefile", update: [], check: false })).rejects.toMatchObject({
      code: "USAGE",
      hint: expect.stringContaining("kubefile build --lock"),
    });
    await writeFile(
      lockIn(directory),
      formatLock({
        images: [
          captured("fail/none:1", `sha256:${"0".repeat(64)}`),
          captured("fail/neither:1", `sha256:${"0".repeat(64)}`),
        ],
      }),
    );
    await expect(refreshLock(host, { file, fileShown: "Kubefile", update: [], check: false })).rejects.toMatchObject({
      code: "REGISTRY",
      message: expect.stringMatching(/fail\/neither:1.*\n.*fail\/none:1/),
    });
    await host.client.close();
  });
});
