import { isRecord } from "../oci/json-record.ts";
import { formatReference, tryParseReference } from "../oci/reference.ts";
import { imagesInText, isImageKey, looksLikeImage } from "./image-text.ts";
import { textAt } from "./json-fields.ts";
import type { StaticHit } from "./static-hit.ts";
import { manifestName } from "./typed-scan.ts";
import type { UnreadableText, YamlDocument } from "./yaml-documents.ts";

type Path = readonly (string | number)[];

const MAX_DEPTH = 60;
const MAX_HITS = 2_000;

/**
 * Whatever else in one document may name an image: `image` keys of unknown kinds, `repository` with `tag` as charts'
 * values write them, `RELATED_IMAGE_…` variables, and full names inside longer texts. Guesses, each with its place.
 */
export function untypedHits(document: YamlDocument, file: string): readonly StaticHit[] {
  const hits: StaticHit[] = [];
  const owner = isRecord(document.value) && "kind" in document.value ? ` of ${manifestName(document.value)}` : "";
  const add = (image: string, path: Path, what: string, lineOffset = 0): void => {
    const reference = tryParseReference(image);
    if (reference === undefined || hits.length >= MAX_HITS) return;
    const { line, column } = document.locate(path);
    const where = lineOffset === 0 ? { file, line, column } : { file, line: line + lineOffset };
    hits.push({ image, reference: formatReference(reference), where, text: `${what}${owner}` });
  };
  const visit = (value: unknown, path: Path, depth: number): void => {
    if (depth > MAX_DEPTH) return;
    if (typeof value === "string") visitText(value, path);
    else if (Array.isArray(value)) {
      for (const [index, entry] of value.entries()) visit(entry, [...path, index], depth + 1);
    } else if (isRecord(value)) {
      const split = splitImage(value);
      if (split !== undefined) add(split, path, `repository and tag at ${keyText(path)}`);
      for (const [key, entry] of Object.entries(value)) visit(entry, [...path, key], depth + 1);
    }
  };
  const visitText = (text: string, path: Path): void => {
    const last = path.at(-1);
    const key = last === "value" ? variableName(document.value, path) : last;
    if (typeof key === "string" && isImageKey(key) && !/\s/.test(text)) {
      add(text, path, `key ${keyText(path)}`);
    } else if (looksLikeImage(text)) {
      add(text, path, `text at ${keyText(path)}`);
    } else if (/[:@]/.test(text)) {
      // A block text starts on the line after its key.
      const below = text.includes("\n") ? 1 : 0;
      for (const { image, line } of imagesInText(text)) add(image, path, `text at ${keyText(path)}`, line + below);
    }
  };
  visit(document.value, [], 0);
  return hits;
}

/** Images in text that is no YAML: a chart's template, a list of images. */
export function hitsInText({ text, line }: UnreadableText, file: string): readonly StaticHit[] {
  const found = imagesInText(text).slice(0, MAX_HITS);
  return found.flatMap(({ image, line: above }) => {
    const reference = tryParseReference(image);
    if (reference === undefined) return [];
    const where = { file, line: line + above };
    return [{ image, reference: formatReference(reference), where, text: "text of a template" }];
  });
}

/** `registry`, `repository` and `tag` or `digest` of one map, as most charts write an image. */
function splitImage(map: unknown): string | undefined {
  const repository = textAt(map, "repository");
  if (repository === undefined || !isRecord(map)) return undefined;
  const tag = typeof map.tag === "number" ? String(map.tag) : textAt(map, "tag");
  const digest = textAt(map, "digest");
  if (!tag && !digest) return undefined;
  const registry = textAt(map, "registry");
  const name = registry ? `${registry}/${repository}` : repository;
  return `${name}${tag ? `:${tag}` : ""}${digest ? `@${digest}` : ""}`;
}

/** The name beside a `value`, as environment variables are written. */
function variableName(root: unknown, path: Path): string | undefined {
  let current = root;
  for (const step of path.slice(0, -1)) {
    if (Array.isArray(current) && typeof step === "number") current = current[step];
    else if (isRecord(current) && typeof step === "string") current = current[step];
    else return undefined;
  }
  return textAt(current, "name");
}

function keyText(path: Path): string {
  return (
    path
      .map((step) => (typeof step === "number" ? `[${step}]` : `.${step}`))
      .join("")
      .replace(/^\./, "") || "the top"
  );
}
