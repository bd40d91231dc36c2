import { assembleClusterImage } from "../../../src/image/assemble.ts";
import { walkImages } from "../../../src/image/blob-graph.ts";
import { type DiffedFiles, type DiffInput, diffClusterImages } from "../../../src/image/diff.ts";
import type { ImageDiff } from "../../../src/image/diff-types.ts";
import type { LaunchCommand } from "../../../src/image/types.ts";
import { digestOf } from "../../../src/oci/digest.ts";
import type { Leaf } from "../../../src/rootfs/join-layers.ts";
import {
  amd64,
  putImage,
  putRootfsLayer,
  sampleDescription,
  sharedLayer,
  temporaryStore,
} from "../../support/sample-images.ts";

const file = (content: string, mode = 0o644): Leaf => ({
  type: "file",
  mode,
  size: content.length,
  digest: digestOf(content),
});

export const files: DiffedFiles = {
  from: new Map([
    ["bin/tool", file("1")],
    ["charts/old.tgz", file("12")],
    ["manifests/web.yaml", file("123")],
  ]),
  to: new Map([
    ["bin/tool", file("1", 0o755)],
    ["charts/new.tgz", { type: "link", target: "newer.tgz" }],
    ["manifests/web.yaml", file("321")],
  ]),
};

/** Two releases of a shop. */
export async function releases(): Promise<readonly [DiffInput, DiffInput]> {
  const store = await temporaryStore();
  const command = (text: string, change: Partial<LaunchCommand> = {}): LaunchCommand => ({
    command: text,
    directory: ".",
    env: {},
    source: "Kubefile:1",
    ...change,
  });
  const input = async (reference: string, options: Parameters<typeof assembleClusterImage>[0]): Promise<DiffInput> => {
    const image = await assembleClusterImage(options);
    return { reference, image, walked: await walkImages(store, image.config.images, image.config.platform) };
  };
  const common = { store, platform: amd64 };
  const from = await input("registry.example/shop:1.0", {
    ...common,
    config: {
      ...sampleDescription,
      launch: { commands: [command("kubectl apply -f manifests"), command("sh scripts/seed")] },
    },
    layers: [await putRootfsLayer(store, "base"), await putRootfsLayer(store, "files")],
    images: [
      await putImage(store, { reference: "docker.io/library/redis:7", layers: [sharedLayer, "redis 7"] }),
      await putImage(store, { reference: "quay.io/shop/web:1", layers: [sharedLayer, "web"] }),
      await putImage(store, { reference: "quay.io/shop/gone:1", layers: ["gone"] }),
      await putImage(store, { reference: "quay.io/shop/same:1", layers: ["same"] }),
    ],
    annotations: { revision: "a1" },
  });
  const to = await input("registry.example/shop:1.1", {
    ...common,
    config: {
      ...sampleDescription,
      grade: "pulled",
      kubernetesVersion: "v1.35.0",
      env: { REPLICAS: "3", MODE: "a|b" },
      labels: {},
      apps: [
        { name: "shop", type: "helm", kind: "app", files: [], env: {}, launched: true },
        { name: "extra", type: "kube", kind: "app", files: [], env: {}, launched: false },
      ],
      launch: {
        commands: [
          command("kubectl apply -f manifests", { source: "Kubefile:9" }),
          command("helm upgrade --install shop charts/shop", { app: "shop", directory: "charts" }),
        ],
      },
    },
    layers: [await putRootfsLayer(store, "base"), await putRootfsLayer(store, "other files")],
    images: [
      await putImage(store, { reference: "docker.io/library/redis:8", layers: [sharedLayer, "redis 8, larger"] }),
      await putImage(store, { reference: "quay.io/shop/web:1", layers: [sharedLayer, "web anew"] }),
      await putImage(store, { reference: "quay.io/shop/same:1", layers: ["same"] }),
      await putImage(store, { reference: "quay.io/shop/new:1", layers: ["new"] }),
    ],
    annotations: { revision: "b2" },
  });
  return [from, to];
}

/** The whole comparison of both. */
export async function compareReleases(): Promise<ImageDiff> {
  return diffClusterImages(...(await releases()), files);
}
