import { cp, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { assembleClusterImage } from "../../../src/image/assemble.ts";
import { rootfsLayers } from "../../../src/image/cluster-image.ts";
import { resolveLocal, tagLocal } from "../../../src/image/local-tags.ts";
import { readClusterImage } from "../../../src/image/read.ts";
import { parseDigest } from "../../../src/oci/digest.ts";
import { parseReference } from "../../../src/oci/reference.ts";
import type { Verdict } from "../../../src/pipeline/verify.ts";
import { openStore } from "../../../src/store/store.ts";
import { type DockerRegistry, startDockerRegistry } from "../../support/docker-registry.ts";
import { buildLayer } from "../../support/image-builder.ts";
import { type CommandHome, type CommandOptions, commandHome, leftovers } from "../../support/kubefile-command.ts";
import { fetchManifest } from "../../support/registry-walk.ts";
import { type Internet, startInternet } from "../../support/shop/internet.ts";
import { podManifest, writeContext } from "./context.ts";
import { refuseAllButTheProxy } from "./firewall.ts";
import { startOutside } from "./outside.ts";

const shop = fileURLToPath(new URL("../../../examples/shop", import.meta.url));

let internet: Internet;
let destination: DockerRegistry;
let home: CommandHome;
let stores = 0;

beforeAll(async () => {
  [internet, destination, home] = await Promise.all([startInternet(), startDockerRegistry(), commandHome()]);
});

afterAll(async () => {
  await Promise.all([destination?.stop(), internet?.stop(), home?.remove()]);
});

/** Builds a context, pushes the result, and expects that to go well. */
async function build(name: string, context: string, ...flags: readonly string[]): Promise<string> {
  const reference = `${destination.host}/demo/${name}:1`;
  const mirrors = Object.entries(internet.mirrors).flatMap(([host, url]) => ["--mirror", `${host}=${url}`]);
  const common = [...mirrors, "--store", home.store, "--quiet-window", "3s", "--tag", reference, "--push"];
  const { exitCode, stderr } = await home.kubefile(["build", ...common, ...flags, context]);
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr });
  return reference;
}

/** Verifies with an empty store; nothing may be left of it. */
async function verify(reference: string, options: CommandOptions = {}): Promise<Verdict & { readonly reason: string }> {
  stores += 1;
  const flags = ["--store", join(home.directory, `store-${stores}`), "--quiet-window", "3s", "--format", "json"];
  const result = await home.kubefile(["verify", ...flags, reference], options);
  expect(result).toMatchObject({ exitCode: 1 });
  expect(result.runIds).toHaveLength(1);
  expect(await leftovers(home, result.runIds)).toEqual([]);
  const verdict: Verdict = JSON.parse(result.stdout);
  return { ...verdict, reason: verdict.reasons.join("\n") };
}

describe("an application with an operator", () => {
  let reference: string;
  beforeAll(async () => {
    const context = join(home.directory, "operator");
    for (const part of ["manifests/base", "manifests/operator", "manifests/catalog.yaml"]) {
      await cp(join(shop, part), join(context, part), { recursive: true });
    }
    await writeContext(context, {
      Kubefile: [
        "FROM scratch",
        "APP base local://manifests/base/",
        "APP operator local://manifests/operator/",
        "APP catalog local://manifests/catalog.yaml",
        'APPCMDS catalog ["kubectl wait --for=condition=Established --timeout=60s crd/catalogs.shop.example && kubectl apply -f catalog.yaml"]',
        "LAUNCH base operator catalog",
        "",
      ].join("\n"),
    });
    reference = await build("operator", context, "--exclude", "ghcr.io/shop/catalog-indexer*");
  });

  test("for an application that it does not launch: no cluster is made to find out", async () => {
    const flags = ["--store", join(home.directory, "store-without-app"), "--progress", "plain", "--app", "catalogue"];
    const { exitCode, stderr } = await home.kubefile(["verify", ...flags, reference]);
    expect({ exitCode, stderr }).toEqual({ exitCode: 2, stderr: expect.stringContaining("no application catalogue") });
    expect(stderr).not.toContain("kind cluster");
  });

  test("without the image that the operator uses: the verdict names it", async () => {
    const { verdict, reason } = await verify(reference);
    expect(verdict).toBe("failed");
    expect(reason).toContain("the artifact lacks ghcr.io/shop/catalog-indexer:7");
    expect(reason).toContain("pod shop/catalog-spring container indexer");
  });

  test("with a file of the rootfs taken away: the verdict names the file and the line that needs it", async () => {
    const name = await withoutFile(reference, "application/apps/catalog/catalog.yaml");
    const { verdict, reason } = await verify(name);
    expect(verdict).toBe("failed");
    expect(reason).toMatch(/^Kubefile:5: launch command "kubectl wait .* && kubectl apply -f catalog.yaml"/);
    expect(reason).toContain('the path "catalog.yaml" does not exist');
    expect(reason).toContain("hint: the command runs in application/apps/catalog/ of the rootfs");
  });

  test("with a layer lost by the registry: the verdict names image and layer", async () => {
    const { document } = await fetchManifest(destination, "demo/operator", "1");
    const [program] = (await operatorLayers()).slice(-1);
    const digest = document.layers?.find((layer) => layer.digest === program)?.digest ?? "";
    const hex = digest.replace("sha256:", "");
    await rm(join(destination.storage, "docker/registry/v2/blobs/sha256", hex.slice(0, 2), hex), { recursive: true });
    const { verdict, reason } = await verify(reference);
    expect(verdict).toBe("failed");
    expect(reason).toContain(`layer ${digest}, needed by quay.io/shop/catalog-operator:0.4`);
  });
});

describe("an application of one pod", () => {
  test("whose launch applies a URL: the verdict names the line and says that there is no network", async () => {
    const outside = await startOutside(podManifest("app", "quay.io/shop/exporter:1.8"));
    const url = `${outside.url}/app.yaml`;
    try {
      const context = await writeContext(join(home.directory, "url"), {
        Kubefile: `FROM scratch\nCOPY README .\n\nCMD kubectl apply -f ${url}\n`,
        README: "The manifest is elsewhere.\n",
      });
      const file = join(home.directory, "url.json");
      const reference = await build("url", context, "--launch-network", "--report", file);
      expect(JSON.parse(await readFile(file, "utf8"))).toMatchObject({ grade: "ready", needsNetwork: true });
      const { verdict, reason } = await verify(reference);
      expect(verdict).toBe("failed");
      expect(reason).toMatch(/^Kubefile:4: launch command/);
      expect(reason).toContain(url);
      expect(reason).toContain("hint: the launch has no network");
      expect(reason).toMatch(/it was built with --launch-network.*$/);
    } finally {
      await outside.close();
    }
  });

  describe("whose launch uses jq", () => {
    let reference: string;
    beforeAll(async () => {
      const context = await writeContext(join(home.directory, "tool"), {
        Kubefile: "FROM scratch\nCOPY app.json .\nCMD jq -c . app.json\n",
        "app.json": "{}\n",
      });
      // A rehearsal would not let it through.
      reference = await build("tool", context, "--capture", "static");
    });

    test("the verdict names the tool, and where to put it", async () => {
      const { verdict, reason } = await verify(reference);
      expect(verdict).toBe("failed");
      expect(reason).toMatch(/^Kubefile:3: launch command "jq -c . app.json" needs jq, which a site does not promise/);
      expect(reason).toContain("put jq into the rootfs under bin/");
    });

    test("the verdict is invalid when a firewall silences the canary before the cut", async () => {
      const { verdict, reason } = await verify(reference, { during: refuseAllButTheProxy });
      expect({ verdict, reason }).toEqual({
        verdict: "invalid",
        reason: expect.stringContaining("the canary on the host does not answer from"),
      });
    });
  });
});

/** Layers of the operator's image, as its registry has them. */
async function operatorLayers(): Promise<readonly string[]> {
  const target = { url: internet.mirrors["quay.io"] ?? "" };
  const { document } = await fetchManifest(target, "shop/catalog-operator", "0.4");
  return (document.layers ?? []).map(({ digest }) => digest);
}

/** Makes another cluster image of a built one, with a layer that takes a file away, and pushes it. */
async function withoutFile(reference: string, path: string): Promise<string> {
  const whiteout = await buildLayer([{ path: path.replace(/([^/]+)$/, ".wh.$1"), content: "" }]);
  const name = reference.replace(/:1$/, ":2");
  const store = await openStore(home.store);
  try {
    const local = await resolveLocal(store.directory, parseReference(reference));
    if (local === undefined) throw new Error(`${reference} is not in the store`);
    const image = await readClusterImage(store, local.digest);
    const { digest, size } = await store.write(whiteout.bytes);
    const mediaType = "application/vnd.oci.image.layer.v1.tar+gzip";
    const layers = rootfsLayers(image).map((descriptor, index) => {
      return { descriptor, diffId: parseDigest(image.config.rootfs.diffIds[index] ?? "") };
    });
    const changed = await assembleClusterImage({
      store,
      config: image.config,
      layers: [...layers, { descriptor: { mediaType, digest, size }, diffId: parseDigest(whiteout.diffId) }],
      images: image.config.images.map((captured) => ({ ...captured, size: 0, reasons: [] })),
      platform: image.config.platform,
    });
    await tagLocal(store.directory, parseReference(name), changed.descriptor, { now: new Date() });
  } finally {
    await store.close();
  }
  expect(await home.kubefile(["push", "--store", home.store, name])).toMatchObject({ exitCode: 0 });
  return name;
}
