import { cp, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { ROLE_ANNOTATION } from "../../../src/image/blob-roles.ts";
import type { Descriptor } from "../../../src/oci/descriptor.ts";
import { OCI_MANIFEST } from "../../../src/oci/media-types.ts";
import { type CountedRequest, type CountingProxy, startCountingProxy } from "../../support/counting-proxy.ts";
import { type DockerRegistry, startDockerRegistry } from "../../support/docker-registry.ts";
import { uploadImage } from "../../support/image-upload.ts";
import { shopWeb, webImage } from "../../support/shop/images.ts";
import { type Internet, startInternet } from "../../support/shop/internet.ts";
import type { CacheContents } from "./traffic.ts";

/** examples/shop, registries that play its internet and one to push to, each behind a proxy that counts. */
export interface BenchPlace {
  /** A copy of the build context, to be changed. */
  readonly context: string;
  /** `--mirror` and its value, for each upstream. */
  readonly mirrors: readonly string[];
  /** `127.0.0.1:PORT` of the counting proxy before the registry to push to. */
  readonly destination: string;
  /** How many clusters were created so far. */
  clusters(): Promise<number>;
  /** For the PATH of a build: a `kind` that is counted. */
  readonly programs: string;
  requests(): { readonly upstream: readonly CountedRequest[]; readonly destination: readonly CountedRequest[] };
  clearRequests(): void;
  /** What a cache repository has, asked for without being counted. */
  contents(repository: string): Promise<CacheContents>;
  /** Puts another page into the storefront's image, and tells the layers and configs that are new. */
  moveWeb(title: string): Promise<readonly { readonly digest: string; readonly size: number }[]>;
  stop(): Promise<void>;
}

export interface BenchPlaceOptions {
  /** An empty directory. */
  readonly work: string;
  /** Of examples/shop. */
  readonly shop: string;
  /** Path of the real kind. */
  readonly kind: string;
  readonly nodeImage: string;
}

export async function openBenchPlace({ work, shop, kind, nodeImage }: BenchPlaceOptions): Promise<BenchPlace> {
  const context = join(work, "shop");
  await cp(shop, context, { recursive: true });
  const programs = join(work, "programs");
  const created = join(work, "clusters");
  await mkdir(programs);
  await writeFile(created, "");
  const counted = `#!/bin/sh\nif [ "$1 $2" = "create cluster" ]; then echo "$@" >>"${created}"; fi\nexec "${kind}" "$@"\n`;
  await writeFile(join(programs, "kind"), counted, { mode: 0o755 });

  const internet = await startInternet({ nodeImage });
  const registry = await startDockerRegistry();
  const destination = await startCountingProxy(registry.host);
  const upstreams = new Map<string, CountingProxy>();
  for (const [host, url] of Object.entries(internet.mirrors)) {
    upstreams.set(host, await startCountingProxy(new URL(url).host));
  }
  const proxies = [destination, ...upstreams.values()];
  return {
    context,
    programs,
    mirrors: [...upstreams].flatMap(([host, proxy]) => ["--mirror", `${host}=http://${proxy.host}`]),
    destination: destination.host,
    clusters: async () => (await readFile(created, "utf8")).split("\n").length - 1,
    requests: () => ({
      upstream: [...upstreams.values()].flatMap(({ requests }) => requests),
      destination: [...destination.requests],
    }),
    clearRequests: () => {
      for (const proxy of proxies) proxy.clear();
    },
    contents: (repository) => contentsOf(registry, repository),
    moveWeb: (title) => moveWeb(internet, title),
    async stop() {
      await Promise.all([...proxies, registry, internet].map((part) => part.stop()));
      await rm(work, { recursive: true, force: true });
    },
  };
}

/** A record is the config of a manifest whose tag begins with `cache-`; beneath it are blobs that say what they are. */
async function contentsOf({ url }: DockerRegistry, repository: string): Promise<CacheContents> {
  const [records, manifests] = [new Set<string>(), new Set<string>()];
  const listed = await fetch(`${url}/v2/${repository}/tags/list`);
  const { tags }: { tags: string[] } = listed.ok ? JSON.parse(await listed.text()) : { tags: [] };
  const headers = { accept: OCI_MANIFEST };
  for (const tag of tags) {
    const answer = await fetch(`${url}/v2/${repository}/manifests/${tag}`, { headers });
    const { config, layers }: Record<"config", Descriptor> & Record<"layers", Descriptor[]> = JSON.parse(
      await answer.text(),
    );
    records.add(config.digest);
    for (const { digest, annotations } of layers) {
      if (["manifest", "index"].includes(annotations?.[ROLE_ANNOTATION] ?? "")) manifests.add(digest);
    }
  }
  return { records, manifests };
}

async function moveWeb(internet: Internet, title: string) {
  const [before, now] = [await shopWeb("Shop"), await shopWeb(title)];
  const [host = "", ...path] = webImage.split("/");
  const [repository = "", tag = ""] = path.join("/").split(":");
  await uploadImage({ url: internet.mirrors[host] ?? "" }, repository, tag, now);
  const known = new Set(before.blobs.map(({ digest }) => digest));
  return now.blobs
    .filter(({ digest, mediaType }) => !known.has(digest) && !/manifest/.test(mediaType))
    .map(({ digest, bytes }) => ({ digest, size: bytes.byteLength }));
}
