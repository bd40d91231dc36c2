import { readdir, readFile } from "node:fs/promises";
import { join, relative } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { canonicalJson } from "../../../src/oci/canonical-json.ts";
import { buildInProcess } from "../../support/build-in-process.ts";
import { type DockerRegistry, startDockerRegistry } from "../../support/docker-registry.ts";
import { buildImage, buildLayer, digestOf, type Entry, type Image } from "../../support/image-builder.ts";
import { uploadImage } from "../../support/image-upload.ts";
import { temporaryDirectories } from "../../support/temporary-directory.ts";

const createDirectory = temporaryDirectories();

let registry: DockerRegistry;
let web: Image;
/** What a real registry keeps of an image, as sealer puts it into a rootfs. */
let carried: readonly Entry[];

beforeAll(async () => {
  registry = await startDockerRegistry();
  const layers = [await buildLayer([{ path: "web", content: "web" }])];
  web = buildImage({ format: "oci", layers, entrypoint: ["/web"] });
  const source = await startDockerRegistry();
  await uploadImage(source, "acme/web", "1", web);
  carried = await filesBelow(source.storage);
  await source.stop();
});
afterAll(() => registry.stop());

async function filesBelow(storage: string): Promise<Entry[]> {
  const found = await readdir(storage, { recursive: true, withFileTypes: true });
  const files = found.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  return await Promise.all(
    files.sort().map(async (file) => ({
      path: `registry/${relative(storage, file)}`,
      content: await readFile(file),
    })),
  );
}

/** Uploads an image as sealer makes them. */
async function uploadSealerImage(name: string, ...layers: (readonly Entry[])[]): Promise<string> {
  const plain = buildImage({
    ...{ format: "oci", entrypoint: [] },
    layers: await Promise.all(layers.map((entries) => buildLayer(entries))),
  });
  const manifest = JSON.parse(plain.root.bytes.toString());
  const extension = JSON.stringify({ launch: { cmds: ["kubectl apply -f manifests"] } });
  const bytes = Buffer.from(canonicalJson({ ...manifest, annotations: { "sealer.image.extension": extension } }));
  const root = { ...plain.root, bytes, digest: digestOf(bytes) };
  await uploadImage(registry, name, "1", { root, blobs: [...plain.blobs.slice(0, -1), root] });
  return `${registry.host}/${name}:1`;
}

function pod(image: string): string {
  return `apiVersion: v1\nkind: Pod\nmetadata: { name: web }\nspec: { containers: [{ name: web, image: "${image}" }] }\n`;
}

async function build(from: string, image = "docker.io/acme/web:1") {
  const files = { Kubefile: `FROM ${from}\nCOPY manifests manifests\n`, "manifests/web.yaml": pod(image) };
  return buildInProcess({ directory: await createDirectory(), files });
}

describe("FROM an image whose rootfs carries a registry", () => {
  test("captures what it carries, with no other registry to ask", async () => {
    const base = await uploadSealerImage("sealer/shop", [{ path: "manifests/old.yaml", content: "" }], carried);
    const { report, image } = await build(base);
    expect(report.warnings).toEqual([]);
    expect(report.images).toMatchObject([{ reference: "docker.io/acme/web:1", digest: web.root.digest }]);
    const held = image.blobs.map(({ digest }) => digest);
    expect(web.blobs.filter(({ digest }) => !held.some((each) => each === digest))).toEqual([]);
  });

  test("serves it for whichever registry a manifest names, as sealer keeps no registry's name", async () => {
    const base = await uploadSealerImage("sealer/any", carried);
    const { report } = await build(base, "quay.example/acme/web:1");
    expect(report.images.map(({ reference, digest }) => [reference, digest])).toEqual([
      ["docker.io/acme/web:1", web.root.digest],
      ["quay.example/acme/web:1", web.root.digest],
    ]);
  });

  test("leaves out what a later layer removes, and says what is not whole", async () => {
    const tag = "registry/docker/registry/v2/repositories/acme/web/_manifests/tags";
    const removed = await uploadSealerImage("sealer/removed", carried, [{ path: `${tag}/.wh.1`, content: "" }]);
    await expect(build(removed, "unknown.invalid/acme/web:1")).rejects.toThrow("unknown.invalid");
    const [layer] = web.blobs;
    const torn = carried.filter(({ path }) => !path.includes(layer?.digest.slice("sha256:".length) ?? "?"));
    const incomplete = await uploadSealerImage("sealer/torn", torn);
    await expect(build(incomplete, "unknown.invalid/acme/web:1")).rejects.toThrow("unknown.invalid");
  });

  test.each([
    [
      "a blob that is not what its path says",
      (entry: Entry) => /\/data$/.test(entry.path),
      "other content under sha256:",
    ],
    ["a link that names no digest", (entry: Entry) => /tags\/1\/current\/link$/.test(entry.path), "names no digest"],
  ])("refuses %s", async (_, isIt, message) => {
    const forged = carried.map((entry) => (isIt(entry) ? { path: entry.path, content: "../../../etc/passwd" } : entry));
    const base = await uploadSealerImage(`sealer/forged-${message.length}`, forged);
    await expect(build(base)).rejects.toMatchObject({
      code: "ARTIFACT_INVALID",
      message: expect.stringContaining(message),
      where: { file: "Kubefile", line: 1 },
    });
  });

  test("follows no link and no path that leads elsewhere", async () => {
    const data = carried.filter(({ path }) => /\/data$/.test(path));
    const [first] = data;
    if (first === undefined) throw new Error("the registry has no blob");
    const rest = carried.filter((entry) => entry !== first);
    const linked = await uploadSealerImage("sealer/linked", [...rest, { path: first.path, target: "/etc/hostname" }]);
    await expect(build(linked, "unknown.invalid/acme/web:1")).rejects.toThrow();
    const outside = rest.map((entry) => ({ ...entry, path: entry.path.replace("acme/web", "../../acme/web") }));
    const escaping = await uploadSealerImage("sealer/escaping", outside);
    await expect(build(escaping, "unknown.invalid/acme/web:1")).rejects.toThrow();
  });
});
