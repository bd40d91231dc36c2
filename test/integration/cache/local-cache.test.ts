import { cp, mkdir, readdir, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { CacheSpec } from "../../../src/cache/spec.ts";
import { readOnly, unprotectedTrust } from "../../../src/cache/trust.ts";
import type { BuildOptions } from "../../../src/pipeline/options.ts";
import { type BuiltInProcess, buildInProcess } from "../../support/build-in-process.ts";
import { type DockerRegistry, startDockerRegistry } from "../../support/docker-registry.ts";
import { buildImage, buildLayer } from "../../support/image-builder.ts";
import { uploadImage } from "../../support/image-upload.ts";
import { temporaryDirectories } from "../../support/temporary-directory.ts";

const createDirectory = temporaryDirectories();

let registry: DockerRegistry;
beforeAll(async () => {
  registry = await startDockerRegistry();
  const layers = [
    await buildLayer([{ path: "base", content: "base" }]),
    await buildLayer([{ path: "web", content: "web" }]),
  ];
  await uploadImage(registry, "shop/web", "1", buildImage({ format: "oci", layers, entrypoint: ["/web"] }));
});
afterAll(() => registry?.stop());

const files = (): Record<string, string> => ({
  Kubefile: "FROM scratch\nCOPY etc etc\nAPP web local://web/\nLAUNCH web\n",
  "etc/shop.properties": "currency=EUR\n",
  "web/pod.yaml": JSON.stringify({
    ...{ apiVersion: "v1", kind: "Pod", metadata: { name: "web" } },
    spec: { containers: [{ name: "web", image: `${registry.host}/shop/web:1` }] },
  }),
});

const cacheIn = (directory: string): CacheSpec => ({ type: "local", directory, written: `the cache ${directory}` });

interface Built extends BuiltInProcess {
  readonly warnings: readonly string[];
}

/** On a machine of its own, whose store is empty. */
async function build(options: Partial<BuildOptions>): Promise<Built> {
  const warnings: string[] = [];
  const built = await buildInProcess({
    directory: await createDirectory(),
    files: files(),
    options,
    onProgress: (event) => {
      if (event.type === "note" && event.level === "warning") warnings.push(event.text);
    },
  });
  return { ...built, warnings };
}

/** Whether each step and the launch came from a cache. */
function hits({ report }: Built): boolean[] {
  return [...report.steps, report.rehearsal].map((one) => one?.state === "cached");
}

/** A cache that one build has filled, and what that build made. */
async function filledCache(): Promise<{ readonly directory: string; readonly cold: Built }> {
  const directory = join(await createDirectory(), "cache");
  const cold = await build({ cacheTo: [cacheIn(directory)] });
  expect({ hits: hits(cold), warnings: cold.warnings }).toEqual({ hits: [false, false, false], warnings: [] });
  return { directory, cold };
}

const recordsIn = async (directory: string): Promise<string[]> =>
  (await readdir(join(directory, "records", "unprotected"))).map((name) =>
    join(directory, "records", "unprotected", name),
  );

describe("type=local, for a machine whose store is empty", () => {
  test("is enough for the same cluster image, without a step, a fetch or a registry", async () => {
    const { directory, cold } = await filledCache();
    const before = registry.log.length;
    const warm = await build({ cacheFrom: [cacheIn(directory)], pull: "never" });
    expect({ hits: hits(warm), warnings: warm.warnings }).toEqual({ hits: [true, true, true], warnings: [] });
    expect(warm.image.digest).toBe(cold.image.digest);
    expect(warm.layers).toEqual(cold.layers);
    expect(warm.readText("etc/shop.properties")).toBe("currency=EUR\n");
    expect(registry.log.slice(before)).toEqual([]);
  });

  test("may be a copy that nobody can write to", async () => {
    const { directory, cold } = await filledCache();
    const copy = join(await createDirectory(), "copy");
    await cp(directory, copy, { recursive: true });
    await rm(join(copy, "leases"), { recursive: true, force: true });
    // As on a read-only file system, also for root: what is a file cannot become a directory.
    await writeFile(join(copy, "leases"), "");
    await rm(join(copy, "ingest"), { recursive: true });
    const warm = await build({ cacheFrom: [cacheIn(copy)] });
    expect({ hits: hits(warm), warnings: warm.warnings }).toEqual({ hits: [true, true, true], warnings: [] });
    expect(warm.image.digest).toBe(cold.image.digest);
  });

  test("is not written for strangers, and the build says so", async () => {
    const directory = join(await createDirectory(), "cache");
    const notes: string[] = [];
    await buildInProcess({
      ...{ directory: await createDirectory(), files: files() },
      options: {
        cacheTo: [cacheIn(directory)],
        cacheTrust: readOnly(unprotectedTrust("a branch"), "a pull request of a fork"),
      },
      onProgress: (event) => event.type === "note" && notes.push(event.text),
    });
    expect(notes).toContain(`nothing is kept in the cache ${directory}: a pull request of a fork`);
    await expect(readdir(directory)).rejects.toMatchObject({ code: "ENOENT" });
  });

  const damages: Readonly<Record<string, (path: string, other: Buffer) => Promise<void>>> = {
    truncated: (path) => truncate(path, 40),
    empty: (path) => truncate(path, 0),
    malformed: (path) => writeFile(path, '{"schemaVersion":1,"kind":"step"}'),
    "another's": (path, other) => writeFile(path, other),
    "of another tool": (path) => writeFile(path, Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0x00])),
    "a directory": async (path) => {
      await rm(path);
      await mkdir(path);
    },
  };
  test.each(Object.entries(damages))("does without records that are %s, with a warning each", async (name, damage) => {
    const { directory, cold } = await filledCache();
    const paths = await recordsIn(directory);
    const copies = await Promise.all(paths.map((path) => readFile(path)));
    for (const [position, path] of paths.entries()) {
      await damage(path, copies[(position + 1) % copies.length] ?? Buffer.alloc(0));
    }
    const built = await build({ cacheFrom: [cacheIn(directory)] });
    expect(hits(built)).toEqual([false, false, false]);
    expect(built.image.digest).toBe(cold.image.digest);
    expect(built.warnings.length).toBeGreaterThan(0);
    for (const warning of built.warnings) expect(warning).toMatch(/^the cache .* is taken for absent: /);
    // Written over by the next build that is to fill it, unless something else than a file stands there.
    const healing = await build({ cacheFrom: [cacheIn(directory)], cacheTo: [cacheIn(directory)] });
    expect(healing.image.digest).toBe(cold.image.digest);
    if (name === "a directory") return;
    expect(hits(await build({ cacheFrom: [cacheIn(directory)] }))).toEqual([true, true, true]);
  });

  test("is as good as empty for what has lost its blobs, or has others under their names", async () => {
    const { directory, cold } = await filledCache();
    const blobs = join(directory, "blobs", "sha256");
    for (const [position, name] of (await readdir(blobs)).entries()) {
      const path = join(blobs, name);
      if (position % 3 === 0) await rm(path);
      else if (position % 3 === 1) await truncate(path, 5);
      else await writeFile(path, Buffer.alloc((await readFile(path)).byteLength));
    }
    const built = await build({ cacheFrom: [cacheIn(directory)] });
    expect(built.image.digest).toBe(cold.image.digest);
    expect(built.readText("etc/shop.properties")).toBe("currency=EUR\n");
  });
});

describe("several caches at once", () => {
  test("are all asked and all filled, and those that are broken cost one warning each", async () => {
    const { directory, cold } = await filledCache();
    const place = await createDirectory();
    const other = join(place, "other");
    await writeFile(join(place, "file"), "no directory");
    const dead: CacheSpec = {
      ...{ type: "registry", prefix: "cache", written: "the dead registry" },
      repository: { host: "127.0.0.1:1", path: "shop/cache" },
    };
    const missing: CacheSpec = { type: "local", directory: join(place, "missing"), written: "the missing cache" };
    const blocked: CacheSpec = { type: "local", directory: join(place, "file"), written: "the blocked cache" };
    const gha: CacheSpec = { type: "gha", prefix: "cache", written: "type=gha" };
    const warm = await build({
      cacheFrom: [missing, dead, gha, cacheIn(directory)],
      cacheTo: [blocked, dead, gha, cacheIn(other)],
      noCacheFilter: ["launch"],
    });
    expect(hits(warm)).toEqual([true, true, false]);
    expect(warm.image.digest).toBe(cold.image.digest);
    expect(warm.warnings.map((text) => text.replace(/, and the build.*/s, "")).sort()).toEqual([
      "the blocked cache cannot be written",
      "the dead registry cannot be read",
      "the dead registry cannot be written",
      "the missing cache cannot be read",
      "type=gha cannot be used",
    ]);
    // What was executed again is in the one that could be written; the rest is where it was.
    const next = await build({ cacheFrom: [cacheIn(other), cacheIn(directory)] });
    expect({ hits: hits(next), warnings: next.warnings }).toEqual({ hits: [true, true, true], warnings: [] });
    expect(next.report.rehearsal).toMatchObject({ from: cacheIn(other).written });
  });
});
