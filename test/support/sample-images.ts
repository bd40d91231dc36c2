import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import type { CapturedImage } from "../../src/capture/types.ts";
import type { AssembleOptions, ClusterImageDescription, RootfsLayer } from "../../src/image/assemble.ts";
import type { Descriptor, Platform } from "../../src/oci/descriptor.ts";
import { digestOf } from "../../src/oci/digest.ts";
import {
  DOCKER_LIST,
  DOCKER_MANIFEST,
  OCI_CONFIG,
  OCI_INDEX,
  OCI_LAYER_GZIP,
  OCI_MANIFEST,
} from "../../src/oci/media-types.ts";
import { openStore } from "../../src/store/store.ts";
import type { Store } from "../../src/store/types.ts";

export const amd64: Platform = { os: "linux", architecture: "amd64" };
export const arm64: Platform = { os: "linux", architecture: "arm64" };

/** A directory that is gone when the test ends. */
export async function temporaryDirectory(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), "kubefile-test-"));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  return directory;
}

export async function temporaryStore(): Promise<Store> {
  const store = await openStore(await temporaryDirectory());
  onTestFinished(() => store.close());
  return store;
}

/** A description of a launch with something in every field. */
export const sampleDescription: ClusterImageDescription = {
  grade: "ready",
  needsNetwork: false,
  kubernetesVersion: "v1.34.4",
  env: { REPLICAS: "2" },
  labels: { team: "shop" },
  maintainer: "shop@example.com",
  apps: [{ name: "shop", type: "kube", kind: "app", files: ["manifests/shop.yaml"], env: {}, launched: true }],
  launch: {
    commands: [
      {
        command: "kubectl apply -f manifests/shop.yaml",
        directory: ".",
        env: { REPLICAS: "2" },
        app: "shop",
        source: "Kubefile:12",
      },
    ],
  },
};

/** The content of a base layer that both images of `sampleOptions` have. */
export const sharedLayer = "a base layer that both images share";

/** Two rootfs layers and two images, put into the store. */
export async function sampleOptions(store: Store): Promise<AssembleOptions> {
  return {
    store,
    config: sampleDescription,
    layers: [await putRootfsLayer(store, "manifests"), await putRootfsLayer(store, "charts")],
    images: [
      await putImage(store, {
        reference: "quay.io/shop/web:1",
        layers: [sharedLayer, "web"],
        docker: true,
        index: true,
      }),
      await putImage(store, { reference: "docker.io/library/redis:7", layers: [sharedLayer, "redis"] }),
    ],
    platform: amd64,
    annotations: { source: "https://example.com/shop", created: "2024-01-01T00:00:00Z" },
  };
}

export interface ImageContent {
  readonly reference: string;
  /** What each layer holds. */
  readonly layers: readonly (string | Buffer)[];
  readonly docker?: boolean;
  /** Wraps the manifest in an index that has a child for another platform, which is not in the store. */
  readonly index?: boolean;
  readonly platform?: Platform;
}

/** Puts an image into the store and says how the capture would describe it. */
export async function putImage(store: Store, options: ImageContent): Promise<CapturedImage> {
  const { reference, layers, docker = false, index = false, platform = amd64 } = options;
  const layerType = docker ? "application/vnd.docker.image.rootfs.diff.tar.gzip" : OCI_LAYER_GZIP;
  const layerDescriptors: Descriptor[] = [];
  for (const layer of layers) layerDescriptors.push(await put(store, layerType, layer));
  const config = await put(
    store,
    docker ? "application/vnd.docker.container.image.v1+json" : OCI_CONFIG,
    JSON.stringify({ ...platform, config: { Labels: { reference } }, rootfs: { type: "layers", diff_ids: [] } }),
  );
  const manifestType = docker ? DOCKER_MANIFEST : OCI_MANIFEST;
  const manifest = await putJson(store, manifestType, { config, layers: layerDescriptors });
  const size = [config, manifest, ...layerDescriptors].reduce((sum, blob) => sum + blob.size, 0);
  const reasons = [{ source: "pulled", text: "pulled by pod shop/web-0 container app" } as const];
  if (!index) return { reference, digest: manifest.digest, mediaType: manifestType, size, reasons };
  const elsewhere = { mediaType: manifestType, digest: digestOf(`${reference} elsewhere`), size: 7, platform: arm64 };
  const list = await putJson(store, docker ? DOCKER_LIST : OCI_INDEX, {
    manifests: [elsewhere, { ...manifest, platform }],
  });
  return { reference, digest: list.digest, mediaType: list.mediaType, size: size + list.size, reasons };
}

/** A rootfs layer; its bytes are gzip only in name, which nothing here looks into. */
export async function putRootfsLayer(store: Store, content: string): Promise<RootfsLayer> {
  return { descriptor: await put(store, OCI_LAYER_GZIP, content), diffId: digestOf(`uncompressed ${content}`) };
}

export async function put(store: Store, mediaType: string, content: string | Buffer): Promise<Descriptor> {
  const { digest, size } = await store.write(Buffer.from(content));
  return { mediaType, digest, size };
}

export function putJson(store: Store, mediaType: string, fields: Record<string, unknown>): Promise<Descriptor> {
  return put(store, mediaType, JSON.stringify({ schemaVersion: 2, mediaType, ...fields }));
}
