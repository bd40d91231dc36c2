import type { Digest } from "../oci/digest.ts";
import { parseDigest } from "../oci/digest.ts";
import type { Engine } from "./engine.ts";
import type { ClusterNode } from "./types.ts";

/** An entry of a node's containerd: `docker.io/library/nginx:1.27`, `…@sha256:…`, or the bare id of its config. */
export interface NodeImage {
  readonly name: string;
  /** Of the index or manifest. */
  readonly digest: Digest;
}

const namespace = ["ctr", "--namespace", "k8s.io"];

/** Every image name that a node's containerd holds for Kubernetes. */
export async function nodeImages(engine: Engine, node: ClusterNode, signal?: AbortSignal): Promise<NodeImage[]> {
  const { stdout } = await engine.docker(["exec", node.name, ...namespace, "images", "ls"], { signal });
  return parseImageList(stdout);
}

/** Reads the table of `ctr images ls`: name, media type, digest, size, … */
export function parseImageList(table: string): NodeImage[] {
  const images: NodeImage[] = [];
  for (const line of table.split("\n").slice(1)) {
    const [name, , digest] = line.trim().split(/\s+/);
    if (name === undefined || name === "" || digest === undefined) continue;
    images.push({ name, digest: parseDigest(digest) });
  }
  return images;
}

/** Names of the images whose containers are on a node, running or not. */
export async function runningImages(engine: Engine, node: ClusterNode, signal?: AbortSignal): Promise<Set<string>> {
  const { stdout } = await engine.docker(["exec", node.name, ...namespace, "containers", "ls"], { signal });
  const names = stdout
    .split("\n")
    .slice(1)
    .map((line) => line.trim().split(/\s+/)[1]);
  return new Set(names.filter((name): name is string => name !== undefined && name !== "-"));
}

/** Removes image names and, once nothing else refers to them, their content. Names that are not there are no failure. */
export async function removeImages(
  engine: Engine,
  node: ClusterNode,
  names: readonly string[],
  signal?: AbortSignal,
): Promise<void> {
  if (names.length === 0) return;
  await engine.docker(["exec", "-i", node.name, "xargs", ...namespace, "images", "rm", "--sync"], {
    input: names.map((name) => `${name}\n`).join(""),
    timeout: 120_000,
    signal,
  });
}
