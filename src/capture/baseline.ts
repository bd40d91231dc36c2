import type { KubernetesApi, KubernetesObject } from "../cluster/types.ts";
import { formatReference, tryParseReference } from "../oci/reference.ts";
import { recordsAt, textsAt } from "./json-fields.ts";
import { formatObject, nameOf } from "./owners.ts";
import { imagesOfPodSpec } from "./pod-spec.ts";
import { podSpecOf, workloadKinds } from "./template-of.ts";

/** What the cluster held before the launch; it is not the application's. */
export interface Baseline {
  /** Image texts of each pod and workload, by uid. */
  readonly images: ReadonlyMap<string, ReadonlySet<string>>;
  /** Static pods by name: a kubelet gives their mirror a new uid when it makes it anew. */
  readonly mirrorPods: ReadonlySet<string>;
  /** Full references of the images that nodes held. */
  readonly nodeImages: ReadonlySet<string>;
}

/** Lists every pod and workload, and the images that nodes say they hold. Errors are KubernetesApiError. */
export async function takeBaseline(
  api: KubernetesApi,
  options: { readonly signal?: AbortSignal } = {},
): Promise<Baseline> {
  const lists = await Promise.all(workloadKinds.map(({ path }) => api.list(path, options)));
  const nodes = await api.list("/api/v1/nodes", options);
  return baselineOf({ objects: lists.flatMap(({ items }) => items), nodes: nodes.items });
}

export function baselineOf(before: {
  readonly objects: readonly KubernetesObject[];
  readonly nodes: readonly KubernetesObject[];
}): Baseline {
  const names = before.nodes.flatMap((node) => nodeImageNames(node));
  return {
    images: new Map(before.objects.map((object) => [object.metadata.uid, imageTexts(object)])),
    mirrorPods: new Set(before.objects.filter(isMirrorPod).map(mirrorName)),
    nodeImages: new Set(names.flatMap((name) => fullReference(name) ?? [])),
  };
}

export function imageTexts(object: KubernetesObject): ReadonlySet<string> {
  return new Set(imagesOfPodSpec(podSpecOf(object)?.spec).map(({ image }) => image));
}

export function isMirrorPod(object: KubernetesObject): boolean {
  return object.metadata.ownerReferences?.some(({ kind }) => kind === "Node") === true;
}

/** A mirror pod's name and images: the same static pod has the same. */
export function mirrorName(object: KubernetesObject): string {
  return [formatObject(nameOf(object)), ...imageTexts(object)].join(" ");
}

function nodeImageNames(node: KubernetesObject): readonly string[] {
  return recordsAt(node, "status", "images").flatMap((image) => textsAt(image, "names"));
}

function fullReference(text: string): string | undefined {
  const reference = tryParseReference(text);
  return reference === undefined ? undefined : formatReference(reference);
}
