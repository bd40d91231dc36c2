import { readdir, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { BuildOptions } from "../../../src/pipeline/options.ts";
import { type BuiltInProcess, buildInProcess } from "../../support/build-in-process.ts";
import { type DockerRegistry, startDockerRegistry } from "../../support/docker-registry.ts";
import { buildImage, buildLayer, type Image } from "../../support/image-builder.ts";
import { uploadImage } from "../../support/image-upload.ts";
import { temporaryDirectories } from "../../support/temporary-directory.ts";

const createDirectory = temporaryDirectories();

let registry: DockerRegistry;
let images: readonly [Image, Image];
beforeAll(async () => {
  registry = await startDockerRegistry();
  images = [await imageOf("one"), await imageOf("other")];
});
afterAll(() => registry?.stop());

async function imageOf(text: string): Promise<Image> {
  const layers = [
    await buildLayer([{ path: "base", content: "the same in all" }]),
    await buildLayer([{ path: "text", content: text }]),
  ];
  return buildImage({ format: "oci", layers, entrypoint: ["/text"] });
}

/** An application of three steps whose manifest names one image. */
function application(name: string): Record<string, string> {
  const image = `${registry.host}/${name}:1`;
  return {
    Kubefile: ["FROM scratch", "ARG VERSION=1", "COPY etc etc", "APP web local://web/", "LAUNCH web", ""].join("\n"),
    "etc/shop.properties": "currency=EUR\n",
    "web/pod.yaml": `apiVersion: v1\nkind: Pod\nmetadata: { name: web }\nspec: { containers: [{ name: web, image: "${image}" }] }\n`,
  };
}

function build(
  directory: string,
  files: Readonly<Record<string, string>>,
  options: Partial<BuildOptions> = {},
): Promise<BuiltInProcess> {
  return buildInProcess({ directory, files, options });
}

/** `cached`, or why not. */
function outcomes({ report }: BuiltInProcess): (string | undefined)[] {
  return [...report.steps, report.rehearsal].map((one) => (one?.state === "cached" ? "cached" : one?.reason));
}

const blobsOf = (directory: string): string => join(directory, "store", "blobs", "sha256");

describe("an unchanged build", () => {
  test("does nothing again, and has the same digest", async () => {
    const directory = await createDirectory();
    const files = application("unchanged/web");
    await uploadImage(registry, "unchanged/web", "1", images[0]);
    const cold = await build(directory, files);
    expect(outcomes(cold)).toEqual([
      "it was not built here before",
      "it was not built here before",
      "it was not rehearsed here before",
    ]);
    const again = await build(directory, files);
    expect(outcomes(again)).toEqual(["cached", "cached", "cached"]);
    expect(again.report.phases.map(({ name }) => name)).not.toContain("rootfs");
    expect(again.image.digest).toBe(cold.image.digest);
    expect(again.report.images).toEqual(cold.report.images);
    expect(again.report.steps[0]).toMatchObject({ from: "the local store", where: { file: "Kubefile", line: 3 } });
  });

  test("asks registries for tags alone", async () => {
    const directory = await createDirectory();
    const files = application("asked/web");
    await uploadImage(registry, "asked/web", "1", images[0]);
    await build(directory, files);
    const before = registry.log.length;
    await build(directory, files);
    const asked = registry.log.slice(before).flatMap((line) => /"((?:HEAD|GET|POST|PUT) \S+)/.exec(line)?.[1] ?? []);
    expect(asked).toEqual(["HEAD /v2/asked/web/manifests/1"]);
  });

  test("is cached when only comments and places of lines have changed, and records the new places", async () => {
    const directory = await createDirectory();
    const files = application("lines/web");
    await uploadImage(registry, "lines/web", "1", images[0]);
    await build(directory, files);
    const moved = { ...files, Kubefile: `# A shop.\n\n${files.Kubefile}` };
    const again = await build(directory, moved);
    expect(outcomes(again)).toEqual(["cached", "cached", "cached"]);
    expect(again.image.digest).toBe((await build(await createDirectory(), moved)).image.digest);
    expect(again.image.config.launch.commands[0]?.source).toBe("Kubefile:7");
  });
});

describe("a changed build", () => {
  test("executes what has changed and what stands on it, and says why", async () => {
    const directory = await createDirectory();
    const files = application("changed/web");
    await uploadImage(registry, "changed/web", "1", images[0]);
    await build(directory, files);
    const changed = { ...files, "web/more.yaml": "apiVersion: v1\nkind: Namespace\nmetadata: { name: more }\n" };
    const again = await build(directory, changed);
    expect(outcomes(again)).toEqual(["cached", "web/more.yaml is new", "the rootfs changed, and 1 more"]);
    expect(again.image.digest).toBe((await build(await createDirectory(), changed)).image.digest);
    await rm(join(directory, "context", "web", "more.yaml"));
    expect(outcomes(await build(directory, files))).toEqual(["cached", "cached", "cached"]);
  });

  test("names the file, the variable and the instruction that changed", async () => {
    const directory = await createDirectory();
    const files = { Kubefile: "FROM scratch\nARG V=1\nCOPY a a\nCOPY b b$V\nCMD true\n", a: "1", b: "1" };
    await build(directory, files);
    expect(outcomes(await build(directory, { ...files, a: "2" })).slice(0, 2)).toEqual([
      "a changed",
      "a step before it changed",
    ]);
    const other = new Map([["V", "2"]]);
    expect(outcomes(await build(directory, { ...files, a: "2" }, { buildArgs: other })).slice(0, 2)).toEqual([
      "cached",
      "the instruction changed",
    ]);
  });
});

describe("a changed base", () => {
  test("is told with the first step on it, by both digests or both names", async () => {
    const directory = await createDirectory();
    const base = async (repository: string, content: string) => {
      const image = buildImage({
        format: "oci",
        layers: [await buildLayer([{ path: "base", content }])],
        entrypoint: [],
      });
      await uploadImage(registry, repository, "1", image);
      return image.root.digest;
    };
    const files = (from: string) => ({
      Kubefile: `FROM ${registry.host}/base/${from}:1\nCOPY a a\nCOPY b b\nCMD true\n`,
      ...{ a: "1", b: "1" },
    });
    const first = await base("base/one", "1");
    await base("base/two", "2");
    await build(directory, files("one"));
    const second = await base("base/one", "3");
    expect(outcomes(await build(directory, files("one")))).toEqual([
      `${registry.host}/base/one:1 moved from ${first} to ${second}`,
      "a step before it changed",
      "the rootfs changed",
    ]);
    expect(outcomes(await build(directory, files("two")))[0]).toBe(
      `FROM ${registry.host}/base/one:1 became FROM ${registry.host}/base/two:1`,
    );
  });
});

describe("RUN on this machine", () => {
  test("is executed each time, and the launch is known by what it made", async () => {
    const directory = await createDirectory();
    const files = { Kubefile: "FROM scratch\nCOPY a a\nRUN cp a b\nCOPY a c\nCMD true\n", a: "1" };
    const cold = await build(directory, files);
    const again = await build(directory, files);
    expect(outcomes(again)).toEqual(["cached", "what RUN does on this machine is not cached", "cached", "cached"]);
    expect(again.image.digest).toBe(cold.image.digest);
  });
});

describe("--no-cache", () => {
  test("uses nothing, and replaces what it distrusted", async () => {
    const directory = await createDirectory();
    const files = application("distrusted/web");
    await uploadImage(registry, "distrusted/web", "1", images[0]);
    const cold = await build(directory, files);
    const anew = await build(directory, files, { noCache: true });
    expect(outcomes(anew)).toEqual(["--no-cache", "--no-cache", "--no-cache"]);
    expect(anew.image.digest).toBe(cold.image.digest);
    expect(outcomes(await build(directory, files))).toEqual(["cached", "cached", "cached"]);
  });

  test.each([
    ["COPY", ["--no-cache-filter", "cached", "cached"]],
    ["2", ["cached", "--no-cache-filter", "cached"]],
    ["launch", ["cached", "cached", "--no-cache-filter"]],
  ])("for %s alone uses the rest", async (filter, expected) => {
    const directory = await createDirectory();
    const files = application("filtered/web");
    await uploadImage(registry, "filtered/web", "1", images[0]);
    await build(directory, files);
    expect(outcomes(await build(directory, files, { noCacheFilter: [filter] }))).toEqual(expected);
  });

  test("for what is no step is refused", async () => {
    const files = { Kubefile: "FROM scratch AS base\nCMD true\n" };
    await expect(
      build(await createDirectory(), files, { noCacheFilter: ["4", "base", "other"] }),
    ).rejects.toMatchObject({
      code: "USAGE",
      message: '--no-cache-filter "4", "base", "other" fits no step',
    });
  });
});

describe("a tag that moves", () => {
  test("is found out, and the earlier state is remembered", async () => {
    const directory = await createDirectory();
    const files = application("moving/web");
    const [one, other] = images;
    await uploadImage(registry, "moving/web", "1", one);
    const cold = await build(directory, files);
    await uploadImage(registry, "moving/web", "1", other);
    const moved = await build(directory, files);
    expect(outcomes(moved)).toEqual([
      "cached",
      "cached",
      `${registry.host}/moving/web:1 moved from ${one.root.digest} to ${other.root.digest}`,
    ]);
    expect(moved.image.digest).not.toBe(cold.image.digest);
    expect(outcomes(await build(directory, files))).toEqual(["cached", "cached", "cached"]);
    await uploadImage(registry, "moving/web", "1", one);
    const back = await build(directory, files);
    expect(outcomes(back)).toEqual(["cached", "cached", "cached"]);
    expect(back.image.digest).toBe(cold.image.digest);
  });

  test("changes nothing with --pull never, and --pull always asks for no reason", async () => {
    const directory = await createDirectory();
    const files = application("policy/web");
    await uploadImage(registry, "policy/web", "1", images[0]);
    const cold = await build(directory, files);
    await uploadImage(registry, "policy/web", "1", images[1]);
    const never = await build(directory, files, { pull: "never" });
    expect(outcomes(never)).toEqual(["cached", "cached", "cached"]);
    expect(never.image.digest).toBe(cold.image.digest);
    expect(outcomes(await build(directory, files, { pull: "always" })).at(-1)).toBe("--pull always");
  });
});

describe("a store that was damaged", () => {
  const damages: Readonly<Record<string, (path: string) => Promise<unknown>>> = {
    lost: (path) => rm(path),
    "cut off": (path) => truncate(path, 10),
    changed: async (path) => {
      const bytes = await readFile(path);
      bytes[bytes.byteLength >> 1] = (bytes[bytes.byteLength >> 1] ?? 0) ^ 1;
      await writeFile(path, bytes);
    },
  };
  test.each(Object.entries(damages))("heals when every blob is %s", async (_name, damage) => {
    const directory = await createDirectory();
    const files = application("damaged/web");
    await uploadImage(registry, "damaged/web", "1", images[0]);
    const cold = await build(directory, files);
    for (const name of await readdir(blobsOf(directory))) await damage(join(blobsOf(directory), name));
    const healed = await build(directory, files);
    expect(healed.image.digest).toBe(cold.image.digest);
    expect(healed.readText("etc/shop.properties")).toBe("currency=EUR\n");
    expect(outcomes(await build(directory, files))).toEqual(["cached", "cached", "cached"]);
  });
});

test("ten builds at once on one store are all right, and all is readable afterwards", async () => {
  const directory = await createDirectory();
  const names = ["concurrent/web-0", "concurrent/web-1", "concurrent/web-2"];
  // Each once: this registry mixes up uploads of one blob that meet in one repository.
  for (const [position, name] of names.entries())
    await uploadImage(registry, name, "1", images[position === 0 ? 0 : 1]);
  const contexts = await Promise.all(
    Array.from({ length: 10 }, async (_, position) => {
      return { own: await createDirectory(), files: application(names[position % 3] ?? "") };
    }),
  );
  const store = join(directory, "store");
  const all = (): Promise<BuiltInProcess[]> =>
    Promise.all(contexts.map(({ own, files }) => buildInProcess({ directory: own, files, store })));
  const cold = await all();
  const again = await all();
  for (const [position, built] of again.entries()) {
    expect(outcomes(built)).toEqual(["cached", "cached", "cached"]);
    expect(built.image.digest).toBe(cold[position]?.image.digest);
  }
  for (const scope of await readdir(join(store, "records"))) {
    for (const name of await readdir(join(store, "records", scope))) {
      expect(JSON.parse(await readFile(join(store, "records", scope, name), "utf8"))).toMatchObject({
        key: name.replace(".json", ""),
      });
    }
  }
});
