import { KubefileError } from "../error.ts";
import type { Engine } from "./engine.ts";
import {
  compareVersions,
  formatKubernetesVersion,
  type KubernetesVersion,
  parseKubernetesVersion,
  parseVersionWish,
  type VersionWish,
} from "./kubernetes-version.ts";
import { defaultMinorVersion, pinnedNodeImages } from "./pinned-node-images.ts";

export interface NodeImageWish {
  /** KUBEVERSION, as written. */
  readonly kubeVersion?: string | undefined;
  /** --node-image. */
  readonly override?: string | undefined;
  /** What a lock names. */
  readonly locked?: string | undefined;
  /** What the engine holds, by `localNodeImages`. */
  readonly local: readonly string[];
}

/** Tags of kind's node images that the engine holds: they need no pull. */
export async function localNodeImages(engine: Engine, signal?: AbortSignal): Promise<string[]> {
  const { stdout } = await engine.docker(["images", "--format", "{{.Repository}}:{{.Tag}}", "kindest/node"], {
    signal,
  });
  return stdout.split("\n").filter((name) => name !== "" && !name.endsWith(":<none>"));
}

/**
 * The node image of a rehearsal. KUBEVERSION decides the version; --node-image names the image, and must not contradict
 * it. Where either leaves a choice: the lock's, an image that is here, else the one pinned for that minor version. A wish is never
 * answered by another version.
 *
 * @throws KubefileError NODE_IMAGE_MISSING when no image fits; KUBEFILE_INVALID for a KUBEVERSION that is no version
 */
export function nodeImageFor({ kubeVersion, override, locked, local }: NodeImageWish): string {
  const wish = parseWish(kubeVersion ?? defaultMinorVersion);
  if (override !== undefined) {
    const version = imageVersion(override);
    if (kubeVersion !== undefined && version !== undefined && !wish.accepts(version)) {
      throw new KubefileError(
        "NODE_IMAGE_MISSING",
        `KUBEVERSION ${kubeVersion} and node image ${override} (${formatKubernetesVersion(version)}) contradict each other`,
        { hint: `leave --node-image out, or name an image of Kubernetes ${kubeVersion}` },
      );
    }
    return override;
  }
  if (locked !== undefined && (kubeVersion === undefined || fits(locked, wish))) return locked;
  const candidates = newestFirst([...local, ...pinnedNodeImages].filter((image) => fits(image, wish)));
  // Any of a wide range would do: then the default is the one that everybody else's build takes as well.
  const usual = parseWish(defaultMinorVersion);
  const preferred = candidates.filter((image) => fits(image, usual));
  const eligible = preferred.length > 0 ? preferred : candidates;
  const chosen = eligible.find((image) => local.includes(image)) ?? eligible[0];
  if (chosen !== undefined) return chosen;
  if (wish.exact !== undefined) return `kindest/node:${formatKubernetesVersion(wish.exact)}`;
  throw new KubefileError("NODE_IMAGE_MISSING", `no node image of Kubernetes ${wish.text} is here or known`, {
    hint: `load one into the engine, or name one with --node-image; known: ${pinnedNodeImages.map(tagOf).join(", ")}`,
  });
}

/** The Kubernetes version that an image's tag tells. */
export function imageVersion(image: string): KubernetesVersion | undefined {
  const tag = tagOf(image);
  return tag === undefined ? undefined : parseKubernetesVersion(tag);
}

function parseWish(text: string): VersionWish {
  const wish = parseVersionWish(text);
  if (wish !== undefined) return wish;
  throw new KubefileError("KUBEFILE_INVALID", `KUBEVERSION ${text} is neither a version nor a range of versions`, {
    hint: "write v1.34, v1.34.4 or a range like >=1.19 <1.35",
  });
}

function fits(image: string, wish: VersionWish): boolean {
  const version = imageVersion(image);
  return version !== undefined && wish.accepts(version);
}

function newestFirst(images: readonly string[]): string[] {
  const order = (image: string): KubernetesVersion => imageVersion(image) ?? [0, 0, 0];
  return [...images].sort((a, b) => compareVersions(order(b), order(a)));
}

function tagOf(image: string): string | undefined {
  return /:([\w][\w.-]*)(?:@.*)?$/.exec(image.replace(/@.*$/, ""))?.[1];
}
