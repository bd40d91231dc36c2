import { execFile } from "node:child_process";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { Ajv2020 } from "ajv/dist/2020.js";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { BuildMetadata } from "../../../src/image/metadata.ts";
import { compileSchema } from "../../../src/image/schema.ts";
import { digestOf } from "../../../src/oci/digest.ts";
import { type DockerRegistry, startDockerRegistry } from "../../support/docker-registry.ts";
import { buildImage, buildIndex, buildLayer, type Image } from "../../support/image-builder.ts";
import { uploadImage } from "../../support/image-upload.ts";
import { type CommandHome, commandHome } from "../../support/kubefile-command.ts";
import { toolPath } from "../../support/tool-path.ts";

const execute = promisify(execFile);
const run = async (program: string, ...args: string[]): Promise<string> => (await execute(program, args)).stdout;

const amd64 = { os: "linux", architecture: "amd64" };
const arm64 = { os: "linux", architecture: "arm64" };
const platforms = [amd64, arm64] as const;

let registry: DockerRegistry;
let newer: DockerRegistry;
let home: CommandHome;
/** The application's image: an index of one image each for two platforms. */
let web: Image;

beforeAll(async () => {
  [registry, newer] = await Promise.all([startDockerRegistry(), startDockerRegistry({ distribution: 3 })]);
  home = await commandHome();
  const images = platforms.map(async (platform) => {
    const layers = [await buildLayer([{ path: "web", content: platform.architecture }])];
    return buildImage({ format: "oci", layers, entrypoint: ["/web"], platform });
  });
  web = buildIndex("oci", await Promise.all(images));
  await uploadImage(registry, "library/web", "1", web);
});
afterAll(async () => {
  await Promise.all([registry?.stop(), newer?.stop(), home?.remove()]);
});

const kubefile = [
  "FROM scratch",
  "ARG TARGETARCH",
  "COPY tool-$TARGETARCH bin/",
  "RUN echo $TARGETARCH >architecture",
  "COPY manifests manifests",
  "CMD kubectl apply -f manifests",
  "",
].join("\n");

async function context(name: string): Promise<string> {
  const directory = join(home.directory, name);
  const files = {
    Kubefile: kubefile,
    "tool-amd64": "for amd64",
    "tool-arm64": "for arm64",
    "manifests/web.yaml": `apiVersion: v1\nkind: Pod\nmetadata: { name: web }\nspec: { containers: [{ name: web, image: "${registry.host}/library/web:1" }] }\n`,
  };
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(directory, path)), { recursive: true });
    await writeFile(join(directory, path), text);
  }
  return directory;
}

async function kubefileRun(...args: string[]): Promise<string> {
  const insecure = [registry, newer].flatMap(({ host }) => ["--insecure", host]);
  const { exitCode, stdout, stderr } = await home.kubefile([...args, ...insecure, "--store", home.store]);
  if (exitCode !== 0) throw new Error(`exit code ${exitCode}: ${stderr}`);
  return stdout;
}

const json = async (file: string): Promise<unknown> => JSON.parse(await readFile(file, "utf8"));

describe("a build for two platforms from files alone", () => {
  let metadata: BuildMetadata;
  let printed: string;
  const file = (name: string): string => join(home.directory, name);
  beforeAll(async () => {
    const names = [registry, newer].flatMap(({ host }) => ["--tag", `${host}/shop:1`]);
    const flags = ["--capture", "static", "--run", "host", "--platform", "linux/arm64,linux/amd64", "--push"];
    const files = [
      "--metadata-file",
      file("m.json"),
      "--report",
      file("r.json"),
      "-o",
      `type=oci,dest=${file("o.tar")}`,
    ];
    printed = await kubefileRun("build", ...flags, ...files, ...names, await context("both"));
    const checked = compileSchema<BuildMetadata>("metadata")(await json(file("m.json")));
    if ("problems" in checked) throw new Error(checked.problems.join("\n"));
    metadata = checked.value;
  });

  test("tells of both in metadata, report and text", async () => {
    expect(metadata).toMatchObject({
      "kubefile.grade": "static",
      "kubefile.references": [`${registry.host}/shop:1`, `${newer.host}/shop:1`],
      "kubefile.platforms": [
        { platform: "linux/amd64", grade: "static", references: [`${registry.host}/shop:1-amd64`, expect.any(String)] },
        { platform: "linux/arm64", grade: "static", references: [`${registry.host}/shop:1-arm64`, expect.any(String)] },
      ],
      "kubefile.images": [
        { reference: `${registry.host}/library/web:1`, platform: "linux/amd64", digest: web.root.digest },
        { reference: `${registry.host}/library/web:1`, platform: "linux/arm64", digest: web.root.digest },
      ],
    });
    const schemas = await Promise.all(
      ["report", "index-report"].map((name) =>
        json(new URL(`../../../schemas/${name}.schema.json`, import.meta.url).pathname),
      ),
    );
    const ajv = new Ajv2020({ schemas: schemas as object[] });
    const check = ajv.getSchema("https://github.com/kubefile-ci/kubefile-ci/schemas/index-report.schema.json");
    expect(check?.(await json(file("r.json"))), JSON.stringify(check?.errors)).toBe(true);
    expect(printed).toMatch(/linux\/amd64 +static +sha256:.*\n +linux\/arm64 +static +sha256:/);
  });

  test.each([2, 3])("is an index that crane and skopeo take from distribution %i", async (version) => {
    const { host } = version === 2 ? registry : newer;
    const crane = await toolPath("crane");
    const raw = await run("skopeo", "inspect", "--raw", "--tls-verify=false", `docker://${host}/shop:1`);
    expect(digestOf(raw)).toBe(metadata["containerimage.digest"]);
    expect(JSON.parse(raw)).toMatchObject({
      mediaType: "application/vnd.oci.image.index.v1+json",
      annotations: {
        "vnd.kubefile.artifact-type": "application/vnd.kubefile.cluster.v1",
        "vnd.kubefile.not-rehearsed": "linux/amd64,linux/arm64",
      },
      manifests: [
        { platform: amd64, annotations: { "vnd.kubefile.grade": "static" } },
        { platform: arm64, annotations: { "vnd.kubefile.grade": "static" } },
      ],
    });
    for (const { platform, digest } of metadata["kubefile.platforms"]) {
      const [, architecture] = platform.split("/");
      const child = await run(crane, "manifest", "--insecure", "--platform", platform, `${host}/shop:1`);
      expect(digestOf(child.trimEnd())).toBe(digest);
      expect((await run(crane, "digest", "--insecure", `${host}/shop:1-${architecture}`)).trim()).toBe(digest);
      const config = JSON.parse(
        await run(crane, "blob", "--insecure", `${host}/shop@${JSON.parse(child).config.digest}`),
      );
      expect(config).toMatchObject({ grade: "static", platform: { architecture } });
    }
    const copy = [
      "copy",
      "--quiet",
      "--all",
      "--preserve-digests",
      "--src-tls-verify=false",
      "--dest-tls-verify=false",
    ];
    await run("skopeo", ...copy, `docker://${host}/shop:1`, `docker://${host}/copied:1`);
    expect((await run(crane, "digest", "--insecure", `${host}/copied:1`)).trim()).toBe(
      metadata["containerimage.digest"],
    );
  });

  test("holds of each captured index the children of its platform alone, and files for its platform", async () => {
    const children: { platform: { architecture: string }; digest: string }[] = JSON.parse(
      web.root.bytes.toString(),
    ).manifests;
    const crane = await toolPath("crane");
    for (const { architecture } of platforms) {
      const name = `${registry.host}/shop:1-${architecture}`;
      const layers: { digest: string }[] = JSON.parse(await run(crane, "manifest", "--insecure", name)).layers;
      const held = layers.map(({ digest }) => digest);
      const own = children.filter(({ platform }) => platform.architecture === architecture);
      expect(children.filter(({ digest }) => held.includes(digest))).toEqual(own);
      expect(own).toHaveLength(1);
    }
  });

  test("is one archive, from which skopeo copies all of it", async () => {
    const copy = ["copy", "--quiet", "--all", "--preserve-digests", "--dest-tls-verify=false"];
    await run("skopeo", ...copy, `oci-archive:${file("o.tar")}:1`, `docker://${registry.host}/unpacked:1`);
    const digest = await run(await toolPath("crane"), "digest", "--insecure", `${registry.host}/unpacked:1`);
    expect(digest.trim()).toBe(metadata["containerimage.digest"]);
  });

  test("is the same again, and asks no registry for blobs", async () => {
    const before = registry.log.length;
    const again = file("again.json");
    const flags = ["--capture", "static", "--run", "host", "--platform", "linux/amd64", "--platform", "linux/arm64"];
    await kubefileRun("build", ...flags, "--metadata-file", again, await context("both"));
    expect(await json(again)).toMatchObject({ "containerimage.digest": metadata["containerimage.digest"] });
    expect(registry.log.slice(before).filter((line) => /"GET \S+\/blobs\//.test(line))).toEqual([]);
  });
});

describe("FROM an index of cluster images", () => {
  const child = async (name: string, from: string): Promise<string> => {
    const directory = join(home.directory, name);
    await mkdir(join(directory, "manifests"), { recursive: true });
    await writeFile(join(directory, "Kubefile"), `FROM ${from}\nCOPY manifests manifests\n`);
    await writeFile(
      join(directory, "manifests/more.yaml"),
      "apiVersion: v1\nkind: Namespace\nmetadata: { name: more }\n",
    );
    return directory;
  };
  const flags = ["--capture", "static", "--run", "host", "--platform", "linux/amd64,linux/arm64"];

  test("takes each platform's own image, with what it has captured; one for another platform is refused", async () => {
    const base = `${registry.host}/bases/shop:1`;
    await kubefileRun("build", ...flags, "--push", "-t", base, await context("base"));
    const [metadata, report] = [join(home.directory, "child.json"), join(home.directory, "child-report.json")];
    const build = (from: string, name: string) =>
      child(name, from).then((directory) =>
        kubefileRun("build", ...flags, "--metadata-file", metadata, "--report", report, directory),
      );
    await build(base, "child");
    const first = await json(metadata);
    expect(first).toMatchObject({
      "kubefile.images": platforms.map(({ architecture }) => ({
        ...{ reference: `${registry.host}/library/web:1`, digest: web.root.digest },
        platform: `linux/${architecture}`,
      })),
    });
    expect(await json(report)).toMatchObject({
      platforms: platforms.map(() => ({
        images: [
          { reasons: expect.arrayContaining([expect.objectContaining({ text: expect.stringContaining(base) })]) },
        ],
      })),
    });

    // Another base under the same name is another input of every key.
    const changed = await context("base");
    await writeFile(join(changed, "tool-amd64"), "for amd64, changed");
    await kubefileRun("build", ...flags, "--push", "-t", base, changed);
    await build(base, "child");
    const states = ((await json(report)) as { platforms: { platform: string; rehearsal: { state: string } }[] })
      .platforms;
    expect(states).toMatchObject([
      { platform: "linux/amd64", steps: [{ state: "built" }], rehearsal: { state: "scanned" } },
      { platform: "linux/arm64", steps: [{ state: "cached" }], rehearsal: { state: "cached" } },
    ]);
    expect(await json(metadata)).not.toEqual(first);

    await expect(build(`${base}-amd64`, "wrong")).rejects.toThrow("is for linux/amd64, not for linux/arm64");
  });
});

test("several platforms are not rehearsed in one build, and the way to do it is told", async () => {
  const flags = ["--platform", "linux/amd64,linux/arm64"];
  const { exitCode, stderr } = await home.kubefile(["build", ...flags, await context("rehearsed")]);
  expect(exitCode).toBe(2);
  expect(stderr).toContain("one build rehearses one platform, not linux/amd64, linux/arm64");
  expect(stderr).toContain("kubefile index create -t NAME:TAG IMAGE...");
});
