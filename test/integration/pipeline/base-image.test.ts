import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type CacheTrust, protectedTrust, readOnly, unprotectedTrust } from "../../../src/cache/trust.ts";
import { rootfsLayers } from "../../../src/image/cluster-image.ts";
import { DOCKER_LIST } from "../../../src/oci/media-types.ts";
import { parseReference } from "../../../src/oci/reference.ts";
import { buildInProcess } from "../../support/build-in-process.ts";
import { type DockerRegistry, startDockerRegistry } from "../../support/docker-registry.ts";
import {
  buildImage,
  buildIndex,
  buildLayer,
  digestOf,
  type Entry,
  type Image,
  imageOf,
} from "../../support/image-builder.ts";
import { uploadImage } from "../../support/image-upload.ts";
import { temporaryDirectories } from "../../support/temporary-directory.ts";

const createDirectory = temporaryDirectories();

let registry: DockerRegistry;
beforeAll(async () => {
  registry = await startDockerRegistry();
});
afterAll(() => registry.stop());

const platform = { os: "linux", architecture: process.arch === "x64" ? "amd64" : process.arch };

async function upload(repository: string, entries: readonly Entry[]): Promise<Image> {
  const layers = [await buildLayer(entries)];
  const image = buildImage({ format: "oci", layers, entrypoint: ["/app"] });
  await uploadImage(registry, repository, "1", image);
  return image;
}

function pod(image: string): string {
  return `apiVersion: v1\nkind: Pod\nmetadata: { name: web }\nspec: { containers: [{ name: web, image: "${image}" }] }\n`;
}

async function build(files: Readonly<Record<string, string>>, tag?: string, baseRegistry?: string) {
  const options = {
    ...(tag === undefined ? {} : { tags: [parseReference(`${registry.host}/${tag}`)], push: true }),
    baseRegistry,
  };
  return buildInProcess({ directory: await createDirectory(), files, options });
}

describe("FROM a cluster image", () => {
  const kubefile = [
    ...["FROM scratch", "ENV MODE=fast", "LABEL team=shop", "MAINTAINER Shop", "KUBEVERSION 1.34"],
    ...["APP web local://web", "APPENV web A=1", "APP idle local://idle", 'APPCMDS idle ["sh", "start"]', "LAUNCH web"],
  ].join("\n");

  test("inherits rootfs, capture and launch; layers and captured digests stay what they were", async () => {
    const web = await upload("shop/web", [{ path: "app", content: "1" }]);
    const name = `${registry.host}/shop/web:1`;
    const files = { "web/pod.yaml": pod(name), "idle/start": "echo", Kubefile: kubefile };
    const base = await build(files, "bases/shop:1");
    // The tag moves on; what the base captured does not.
    await upload("shop/web", [{ path: "app", content: "2" }]);
    const derived = await build({
      "more.yaml": "kind: List\n",
      Kubefile: `ARG BASE=bases/shop:1\nFROM ${registry.host}/$BASE\nCOPY more.yaml application/apps/web/\nENV OWN=$MODE`,
    });
    expect(rootfsLayers(derived.image).slice(0, -1)).toEqual(rootfsLayers(base.image));
    expect(derived.layers.at(-1)).toEqual([
      "application/",
      "application/apps/",
      "application/apps/web/",
      "application/apps/web/more.yaml",
    ]);
    expect(derived.image.config).toMatchObject({
      env: { MODE: "fast", OWN: "fast" },
      labels: { team: "shop" },
      maintainer: "Shop",
      kubernetesVersion: "1.34",
      images: base.image.config.images,
      launch: {
        commands: [
          {
            command: "kubectl apply -f more.yaml -f pod.yaml",
            directory: "application/apps/web",
            env: { A: "1" },
            app: "web",
            source: "Kubefile:2",
          },
        ],
      },
    });
    expect(derived.image.config.images).toMatchObject([{ reference: name, digest: web.root.digest }]);
    expect(derived.image.config.apps.map(({ name: app, launched }) => [app, launched])).toEqual([
      ["web", true],
      ["idle", false],
    ]);
    expect(derived.report.images[0]?.reasons).toContainEqual({
      source: "inherited",
      text: `captured by ${registry.host}/bases/shop:1`,
    });
    expect(derived.image.manifest.annotations).toMatchObject({
      "org.opencontainers.image.base.name": `${registry.host}/bases/shop:1`,
      "org.opencontainers.image.base.digest": base.image.digest,
    });
  });

  test("a launch of its own replaces the inherited one; images can be left out", async () => {
    await upload("shop/web", [{ path: "app", content: "1" }]);
    const files = { "web/pod.yaml": pod(`${registry.host}/shop/web:1`), "idle/start": "echo", Kubefile: kubefile };
    await build(files, "bases/other:1");
    const derive = async (from: string) =>
      buildInProcess({
        directory: await createDirectory(),
        files: { Kubefile: `${from}\nAPPENV idle B=2\nLAUNCH idle` },
        options: { baseRegistry: `${registry.host}/bases`, exclude: ["**"] },
      });
    // Its tag is 1; without one, `latest` is asked for.
    await expect(derive("FROM other")).rejects.toMatchObject({
      code: "REGISTRY",
      message: expect.stringContaining(`${registry.host}/bases/other:latest`),
      where: { file: "Kubefile", line: 1, column: 6 },
    });
    const { image } = await derive("FROM other:1");
    expect(image.config.images).toEqual([]);
    expect(image.config.launch.commands).toMatchObject([
      { command: "sh start", directory: "application/apps/idle", env: { B: "2" }, app: "idle" },
    ]);
  });

  test("an application that the base does not have is named at its place", async () => {
    await build(
      { "web/pod.yaml": "kind: List\n", Kubefile: "FROM scratch\nAPP web local://web\nLAUNCH web" },
      "bases/c:1",
    );
    await expect(build({ Kubefile: `FROM ${registry.host}/bases/c:1\nLAUNCH wbe` })).rejects.toMatchObject({
      code: "KUBEFILE_INVALID",
      message: 'no APP declares "wbe"',
      hint: 'did you mean "web"?',
      where: { line: 2, column: 8 },
    });
  });

  test("one that was only built here is taken from the store, and that is told", async () => {
    const directory = await createDirectory();
    const notes: string[] = [];
    const tags = [parseReference(`${registry.host}/bases/local:1`)];
    const base = await buildInProcess({
      directory,
      files: { a: "a", Kubefile: "FROM scratch\nCOPY a .\nCMD true" },
      options: { tags },
    });
    const derived = await buildInProcess({
      directory,
      files: { b: "b", Kubefile: `FROM ${registry.host}/bases/local:1\nCOPY b .` },
      onProgress: (event) => event.type === "note" && notes.push(event.text),
    });
    expect(rootfsLayers(derived.image)[0]).toEqual(rootfsLayers(base.image)[0]);
    expect(notes.join("\n")).toMatch(/bases\/local:1 is taken from the store: cannot fetch: .* answered 404/);
  });
});

describe("a base that is in the local store alone", () => {
  const branch = unprotectedTrust("a branch");
  const release = protectedTrust("a release");
  const fork = readOnly(branch, "a fork");

  /** Builds a base under one trust, and on it under another. */
  async function chain(first: CacheTrust, second: CacheTrust): Promise<string | undefined> {
    const directory = await createDirectory();
    const name = `${registry.host}/bases/here:1`;
    await buildInProcess({
      directory,
      files: { a: "a", Kubefile: "FROM scratch\nCOPY a .\nCMD true\n" },
      options: { tags: [parseReference(name)], cacheTrust: first },
    });
    const child = { b: "b", Kubefile: `FROM ${name}\nCOPY b .\n` };
    return buildInProcess({ directory, files: child, options: { cacheTrust: second } }).then(
      () => undefined,
      (error: unknown) => String(error),
    );
  }

  test.each([
    ["a branch", "a branch", branch, branch],
    ["a protected build", "a release", release, release],
    ["a protected build", "a branch", release, branch],
    ["a fork", "the same fork", fork, fork],
  ])("%s's is taken by %s", async (_from, _by, first, second) => {
    expect(await chain(first, second)).toBeUndefined();
  });

  test.each([
    ["a branch", "a release", branch, release],
    ["a fork", "a release", fork, release],
    ["a fork", "a branch", fork, branch],
  ])("%s's is not taken by %s", async (_from, _by, first, second) => {
    expect(await chain(first, second)).toContain(
      "the image of that name in the store is of a build that this one does not believe",
    );
  });
});

describe("FROM another image", () => {
  test("takes its layers as they are, whiteouts and all, with its environment and labels", async () => {
    const lower = await buildLayer([
      { path: "etc/a.yaml", content: "a" },
      { path: "etc/b.yaml", content: "b" },
      { path: "bin/tool", content: "#!/bin/sh\n", mode: 0o755 },
    ]);
    const upper = await buildLayer([{ path: "etc/.wh.a.yaml", content: "" }], { compressed: false });
    const config = {
      ...platform,
      author: "Base team",
      config: { Env: ["PATH=/usr/bin", "MODE=x=y", "odd"], Labels: { from: "base" } },
      rootfs: { type: "layers", diff_ids: [lower.diffId, upper.diffId] },
    };
    const image = imageOf({
      format: "docker",
      layers: [lower, upper],
      config: Buffer.from(JSON.stringify(config)),
      platform,
    });
    const index = buildIndex("docker", [image]);
    expect(index.root.mediaType).toBe(DOCKER_LIST);
    await uploadImage(registry, "plain/base", "1", index);
    const { image: built, readText } = await build(
      { Kubefile: "FROM plain/base:1\nRUN ls etc bin > list && echo $MODE >> list\nCMD cat list" },
      undefined,
      registry.host,
    );
    expect(built.config).toMatchObject({ env: { MODE: "x=y" }, labels: { from: "base" }, maintainer: "Base team" });
    expect(
      rootfsLayers(built)
        .slice(0, 2)
        .map(({ digest }) => digest),
    ).toEqual(image.blobs.slice(0, 2).map(({ digest }) => digest));
    expect(built.config.rootfs.diffIds.slice(0, 2)).toEqual([lower.diffId, upper.diffId]);
    expect(readText("list")).toBe("bin:\ntool\n\netc:\nb.yaml\nx=y\n");
  });

  test("refuses layers that no rootfs may hold, and says what to do instead", async () => {
    await upload("plain/system", [{ path: "bin/sh", target: "/bin/busybox" }]);
    await expect(build({ Kubefile: `FROM ${registry.host}/plain/system:1\nCMD true` })).rejects.toMatchObject({
      code: "UNSAFE_ARCHIVE",
      message: expect.stringContaining('"bin/sh" is a link that is absolute'),
      hint: expect.stringContaining("COPY --from=IMAGE"),
      where: { line: 1 },
    });
  });

  test("refuses a layer that is not what its config says", async () => {
    const layer = { ...(await buildLayer([{ path: "a", content: "a" }])), diffId: `sha256:${"0".repeat(64)}` };
    await uploadImage(registry, "plain/wrong", "1", buildImage({ format: "oci", layers: [layer], entrypoint: [] }));
    await expect(build({ Kubefile: `FROM ${registry.host}/plain/wrong:1\nCMD true` })).rejects.toMatchObject({
      code: "ARTIFACT_INVALID",
      message: expect.stringContaining(`its image says sha256:${"0".repeat(64)}`),
    });
  });

  test("reads what sealer wrote of applications, environment and launch", async () => {
    const layer = await buildLayer([
      { path: "application/apps/web/pod.yaml", content: "kind: List\n" },
      { path: "application/apps/odd/run", content: "echo\n" },
    ]);
    const labels = { "cluster.alpha.sealer.io/kube-cni-web": "true" };
    const extension = {
      applications: [
        { name: "web", type: "kube", files: ["pod.yaml"], version: "v1", env: { A: "1" } },
        { name: "odd", type: "", version: "v1", cmds: ["sh", "run"] },
      ],
      env: { MODE: "s" },
      launch: { cmds: [], app_names: ["odd", "web"] },
    };
    const plain = imageOf({
      format: "oci",
      layers: [layer],
      config: Buffer.from(
        JSON.stringify({
          ...platform,
          config: { Labels: labels },
          rootfs: { type: "layers", diff_ids: [layer.diffId] },
        }),
      ),
      platform,
    });
    await uploadImage(
      registry,
      "plain/sealer",
      "1",
      annotated(plain, { "sealer.image.extension": JSON.stringify(extension) }),
    );
    const { image } = await build({ Kubefile: `FROM ${registry.host}/plain/sealer:1` });
    expect(image.config).toMatchObject({
      env: { MODE: "s" },
      apps: [
        { name: "web", kind: "cni", type: "kube", env: { A: "1" } },
        { name: "odd", kind: "app", type: "custom", command: "sh run" },
      ],
      launch: {
        commands: [
          { command: "sh run", app: "odd" },
          { command: "kubectl apply -f pod.yaml", app: "web" },
        ],
      },
    });
  });
});

describe("COPY --from an image", () => {
  test("takes files of any image, whatever else is in it", async () => {
    await upload("tools/busybox", [
      { path: "bin/busybox", content: "busybox", mode: 0o4755 },
      { path: "bin/sh", target: "/bin/busybox" },
      { path: "usr/local/bin/sh", target: "/bin/sh" },
      { path: "etc/", content: "", mode: 0o755 },
      { path: "etc/up", target: "../../outside" },
    ]);
    const { layers, readText } = await build(
      {
        Kubefile: [
          ...[
            "FROM scratch",
            "COPY --from=tools/busybox:1 /usr/local/bin/sh bin/",
            "COPY --from=tools/busybox:1 /bin/ all/",
          ],
          ...["CMD sh"],
        ].join("\n"),
      },
      undefined,
      registry.host,
    );
    expect(layers).toEqual([
      ["bin/", "bin/sh"],
      ["all/", "all/busybox", "all/sh"],
    ]);
    expect(readText("bin/sh")).toBe("busybox");
  });

  test("names the image when it lacks a file, and the line when it is not there", async () => {
    await upload("tools/one", [{ path: "bin/one", content: "" }]);
    const from = `COPY --from=${registry.host}/tools/one:1`;
    await expect(build({ Kubefile: `FROM scratch\n${from} bin/two .\nCMD x` })).rejects.toMatchObject({
      code: "SOURCE_MISSING",
      message: `the source "bin/two" is not in the image ${registry.host}/tools/one:1`,
      where: { line: 2 },
    });
    await expect(build({ Kubefile: `FROM scratch\n${from}2 bin/two .\nCMD x` })).rejects.toMatchObject({
      code: "REGISTRY",
      where: { line: 2 },
    });
  });
});

function annotated(image: Image, annotations: Readonly<Record<string, string>>): Image {
  const { root } = image;
  const bytes = Buffer.from(JSON.stringify({ ...JSON.parse(root.bytes.toString()), annotations }));
  const replaced = { ...root, bytes, digest: digestOf(bytes) };
  return { ...image, root: replaced, blobs: [...image.blobs.slice(0, -1), replaced] };
}
