import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { hostPlatform } from "../../support/image-builder.ts";
import { expectedShopImages } from "../../support/shop/expected-images.ts";
import { buildShopImages, exporter } from "../../support/shop/images.ts";
import { type Internet, shopCredentials, shopRegistry, startInternet } from "../../support/shop/internet.ts";
import { waitingProgram } from "../../support/static-program.ts";

const shop = fileURLToPath(new URL("../../../examples/shop/", import.meta.url));
const run = promisify(execFile);

async function textOfAllFiles(): Promise<string> {
  const entries = await readdir(shop, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  return (await Promise.all(files.map((file) => readFile(file, "utf8")))).join("\n");
}

describe("the played internet", () => {
  let internet: Internet;
  beforeAll(async () => {
    internet = await startInternet();
  });
  afterAll(() => internet.stop());

  test("holds every image under the digest it tells, as skopeo sees it", async () => {
    for (const { reference, digest } of internet.images) {
      const host = reference.slice(0, reference.indexOf("/"));
      const mirror = internet.mirrors[host]?.replace("http://", "");
      const { username, password } = internet.credentials[host] ?? {};
      const credentials = username === undefined ? [] : ["--creds", `${username}:${password}`];
      const url = `docker://${mirror}${reference.slice(host.length)}`;
      const { stdout } = await run("skopeo", ["inspect", "--tls-verify=false", ...credentials, url]);
      expect({ reference, digest: JSON.parse(stdout).Digest }).toEqual({ reference, digest });
    }
  });

  test("asks for the password at the private registry and nowhere else", async () => {
    const statuses = Object.entries(internet.mirrors).map(async ([host, url]) => [
      host,
      (await fetch(`${url}/v2/`)).status,
    ]);
    expect(Object.fromEntries(await Promise.all(statuses))).toEqual({
      "docker.io": 200,
      "quay.io": 200,
      "registry.k8s.io": 200,
      "ghcr.io": 200,
      [shopRegistry]: 401,
    });
  });

  test("holds what the capture is expected to find, and nothing else", () => {
    const pause = { reference: "registry.k8s.io/pause:3.10", digest: `sha256:${"0".repeat(64)}` };
    const expected = expectedShopImages({ images: [...internet.images, pause] });
    const names = expected.map(({ reference }) => reference.replace(/@.*/, ""));
    expect(names).toEqual([...internet.images.map(({ reference }) => reference), pause.reference].sort());
  });
});

test("the shop's images are the same bytes each time, and one path on two registries is two images", async () => {
  const [first, second] = [await buildShopImages(), await buildShopImages()];
  const digests = (images: typeof first): string[] => images.map(({ image }) => image.root.digest);
  expect(digests(first)).toEqual(digests(second));
  const tools = first.filter(({ repository, tag }) => `${repository}:${tag}` === "shop/tool:1");
  expect(tools.map(({ host }) => host)).toEqual(["docker.io", "quay.io"]);
  expect(new Set(digests(tools)).size).toBe(2);
});

describe("examples/shop", () => {
  test("pins the exporter by the digest it has on every machine", async () => {
    const { root } = await exporter();
    expect(await textOfAllFiles()).toContain(`quay.io/shop/exporter:1.8@${root.digest}`);
  });

  test("names nowhere what its operator runs", async () => {
    const text = await textOfAllFiles();
    expect(text).toContain("catalog-operator");
    expect(text).not.toMatch(/ghcr|catalog-indexer/);
  });

  test("has the private registry's password in its pull secret", async () => {
    const secret = await readFile(join(shop, "manifests/base/registry-access.yaml"), "utf8");
    const json = /^ +(\{"auths".*)$/m.exec(secret)?.[1] ?? "{}";
    expect(JSON.parse(json)).toEqual({ auths: { [shopRegistry]: shopCredentials } });
  });
});

test("the waiting program runs, and waits", async () => {
  const directory = await mkdtemp(join(tmpdir(), "kubefile-program-"));
  try {
    const program = join(directory, "wait");
    const architecture = hostPlatform.architecture === "arm64" ? "arm64" : "amd64";
    await writeFile(program, waitingProgram(architecture), { mode: 0o755 });
    const child = spawn(program, { timeout: 500, killSignal: "SIGTERM" });
    // Anything but waiting would end it before the signal, by an exit code or by another signal.
    expect(await once(child, "exit")).toEqual([null, "SIGTERM"]);
  } finally {
    await rm(directory, { recursive: true });
  }
});
