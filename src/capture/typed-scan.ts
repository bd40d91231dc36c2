import { formatReference, tryParseReference } from "../oci/reference.ts";
import { listAt, textAt } from "./json-fields.ts";
import { containerText, imagesOfPodSpec } from "./pod-spec.ts";
import type { StaticHit } from "./static-hit.ts";
import { podSpecOf } from "./template-of.ts";
import type { YamlDocument } from "./yaml-documents.ts";

const MAX_LIST_DEPTH = 3;

/** Images of the pod specs of known kinds in one document, also inside a List: what a cluster would run. */
export function typedHits(document: YamlDocument, file: string): readonly StaticHit[] {
  return manifestsIn(document.value).flatMap(({ object, path }) => {
    const located = podSpecOf(object);
    if (located === undefined) return [];
    return imagesOfPodSpec(located.spec).flatMap((image) => {
      const reference = tryParseReference(image.image);
      if (reference === undefined) return [];
      const where = { file, ...document.locate([...path, ...located.kind.podSpec, ...image.path]) };
      const text = `${manifestName(object)} ${containerText(image)}`;
      return [{ image: image.image, reference: formatReference(reference), where, text }];
    });
  });
}

export interface LocatedManifest {
  readonly object: unknown;
  /** Where it stands in the document. */
  readonly path: readonly (string | number)[];
}

/** The objects of a document: itself, or the items of a List. */
export function manifestsIn(
  value: unknown,
  path: readonly (string | number)[] = [],
  depth = 0,
): readonly LocatedManifest[] {
  if (textAt(value, "kind")?.endsWith("List") !== true || depth >= MAX_LIST_DEPTH) return [{ object: value, path }];
  return listAt(value, "items").flatMap((item, index) => manifestsIn(item, [...path, "items", index], depth + 1));
}

/** `Deployment shop/web`; kinds without a name keep the kind. */
export function manifestName(object: unknown): string {
  const kind = textAt(object, "kind") ?? "object";
  const name = textAt(object, "metadata", "name") ?? textAt(object, "metadata", "generateName");
  const namespace = textAt(object, "metadata", "namespace");
  if (name === undefined) return kind;
  return `${kind} ${namespace === undefined ? name : `${namespace}/${name}`}`;
}
