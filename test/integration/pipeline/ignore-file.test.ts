import { execFileSync } from "node:child_process";
import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { performance } from "node:perf_hooks";
import { expect, test } from "vitest";
import { rootfsLayers } from "../../../src/image/cluster-image.ts";
import { build } from "../../../src/pipeline/build.ts";
import type { Host } from "../../../src/pipeline/host.ts";
import type { BuildOptions } from "../../../src/pipeline/options.ts";
import { createProgress } from "../../../src/pipeline/progress.ts";
import { processIdentity } from "../../../src/process/process-identity.ts";
import { temporaryDirectories } from "../../support/temporary-directory.ts";
import { upstreamClient } from "../../support/upstream-client.ts";

const createDirectory = temporaryDirectories();

async function hostIn(directory: string): Promise<Host> {
  const owner = await processIdentity(process.pid);
  if (owner === undefined) throw new Error("this process cannot be identified");
  return {
    engineEnvironment: {},
    directories: {
      store: join(directory, "store"),
      state: join(directory, "state"),
      tools: join(directory, "tools"),
      failures: join(directory, "failures"),
    },
    searchPath: process.env.PATH ?? "",
    client: upstreamClient(),
    addPullSecret: () => undefined,
    trustRegistry: () => undefined,
    progress: createProgress(
      () => undefined,
      () => performance.now(),
    ),
    signal: new AbortController().signal,
    now: () => performance.now(),
    runId: "0123456789",
    runToken: "0".repeat(48),
    owner,
    redact: (text) => text,
  };
}

function optionsFor(context: string, archive: string): BuildOptions {
  return {
    ...{ context, file: join(context, "Kubefile"), fileShown: "Kubefile" },
    ...{ tags: [], push: false, outputs: [{ type: "oci", destination: archive }], buildArgs: new Map() },
    ...{ capture: "static", wait: "ready", quietWindow: 0, timeout: 0, include: [], exclude: [] },
    ...{ launchNetwork: false, nodeImage: undefined, kindConfig: undefined, defaultCni: true, keepCluster: false },
    ...{ run: "host", runImage: "", metadataFile: undefined, reportFile: undefined, sourceDateEpoch: undefined },
  };
}

/** Builds a context of these files and lists what the rootfs layers of the archive hold, as GNU tar sees it. */
async function built(files: Readonly<Record<string, string>>): Promise<string[]> {
  const directory = await createDirectory();
  const context = join(directory, "context");
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(context, path)), { recursive: true });
    await writeFile(join(context, path), text);
  }
  const archive = join(directory, "image.tar");
  const host = await hostIn(directory);
  try {
    const { image } = await build(host, optionsFor(context, archive));
    return rootfsLayers(image).flatMap(({ digest }) => {
      const blob = execFileSync("tar", ["-xOf", archive, `blobs/${digest.replace(":", "/")}`]);
      return execFileSync("tar", ["-tzf", "-"], { input: blob, encoding: "utf8" }).trim().split("\n");
    });
  } finally {
    await host.client.close();
  }
}

const configMap = "apiVersion: v1\nkind: ConfigMap\nmetadata: { name: shop }\n";
const files = {
  Kubefile: "FROM scratch\nCOPY . .\nAPP shop local://shop/\nLAUNCH shop\n",
  "kubefile.yaml": "",
  "shop/shop.yaml": configMap,
  "shop/notes.md": "",
  "docs/a.md": "",
  "docs/LICENSE.md": "",
};

test("a build leaves out what the ignore file names, itself and the Kubefile too", async () => {
  const lines = ["Kubefile", "kubefile.yaml", ".kubefileignore", "docs", "**/*.md", "!docs/LICENSE.md"];
  expect(await built({ ...files, ".kubefileignore": lines.join("\r\n") })).toEqual([
    ...["docs/", "docs/LICENSE.md", "shop/", "shop/shop.yaml"],
    ...["application/", "application/apps/", "application/apps/shop/", "application/apps/shop/shop.yaml"],
  ]);
});

test("a build without .kubefileignore obeys .dockerignore", async () => {
  expect(await built({ ...files, ".dockerignore": "*\n!shop/*.yaml\n" })).toEqual([
    ...["shop/", "shop/shop.yaml"],
    ...["application/", "application/apps/", "application/apps/shop/", "application/apps/shop/shop.yaml"],
  ]);
});

test("a build that copies what is ignored names the line", async () => {
  await expect(built({ ...files, ".kubefileignore": "# all\nshop\n" })).rejects.toMatchObject({
    code: "KUBEFILE_INVALID",
    message: expect.stringContaining(".kubefileignore:2 leaves it out (shop); write !shop below that line to keep it"),
  });
});

test("a build stops at an ignore file that cannot be read", async () => {
  await expect(built({ ...files, ".kubefileignore": "a\n[b\n" })).rejects.toMatchObject({
    code: "KUBEFILE_INVALID",
    where: { file: ".kubefileignore", line: 2 },
  });
});
