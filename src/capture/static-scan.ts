import { setImmediate as nextTurn } from "node:timers/promises";
import { formatReference, tryParseReference } from "../oci/reference.ts";
import { type AppliedCommand, appliedFiles } from "./applied-files.ts";
import { textAt } from "./json-fields.ts";
import { type PullSecret, pullSecretsIn } from "./pull-secret.ts";
import { listRootfs, readRootfsFile } from "./rootfs-files.ts";
import type { StaticHit } from "./static-hit.ts";
import { typedHits } from "./typed-scan.ts";
import { hitsInText, untypedHits } from "./untyped-scan.ts";
import { readDocuments } from "./yaml-documents.ts";

export interface StaticHits {
  /** Of pod specs that the launch applies: part of the capture. */
  readonly typed: readonly StaticHit[];
  /** Guesses: fetched ahead, captured only when another source confirms them. */
  readonly untyped: readonly StaticHit[];
}

export interface StaticFindings extends StaticHits {
  /** Among what the launch applies. */
  readonly pullSecrets: readonly PullSecret[];
}

export interface ScanOptions {
  /** The launch: files that it does not name are suggestions only. Without it every file counts. */
  readonly launch?: readonly AppliedCommand[];
  /** What a chart renders to (absolute path of its directory); undefined when it cannot be rendered. */
  readonly renderChart?: (directory: string) => Promise<string | undefined>;
  readonly signal?: AbortSignal;
}

/**
 * Looks for image names in the files of a rootfs, in order of file and line. Nothing is executed here, and nothing that
 * a file holds can fail the scan: what cannot be read as YAML is searched as text.
 *
 * @param root absolute path
 */
export async function scanRootfs(root: string, options: ScanOptions = {}): Promise<StaticFindings> {
  const { launch, renderChart, signal } = options;
  const applies = launch === undefined ? () => true : appliedFiles(launch);
  // One list a file: a file may have more hits than a call takes arguments.
  const typed: (readonly StaticHit[])[] = [];
  const untyped: (readonly StaticHit[])[] = [];
  const pullSecrets: (readonly PullSecret[])[] = [];
  const { files, charts } = await listRootfs(root, signal);
  for (const file of files) {
    signal?.throwIfAborted();
    // Parsing is synchronous: others get their turn between two files.
    await nextTurn();
    const text = await readRootfsFile(root, file);
    if (text === undefined) continue;
    const isTemplate = charts.some((chart) => file.startsWith(chart === "" ? "templates/" : `${chart}/templates/`));
    const isApplied = applies(file) && !isTemplate;
    if (isApplied) pullSecrets.push(pullSecretsIn(text));
    if (!mentionsImages(text, file)) continue;
    const found = scanText(text, file);
    if (isApplied) typed.push(found.typed);
    else
      untyped.push(found.typed.map((hit) => ({ ...hit, text: `${hit.text}, not applied by the launch as it stands` })));
    untyped.push(found.untyped);
  }
  if (renderChart !== undefined) {
    for (const chart of charts.filter((path) => !isSubchart(path, charts))) {
      signal?.throwIfAborted();
      const rendered = await renderChart(chart === "" ? root : `${root}/${chart}`);
      if (rendered === undefined) continue;
      const found = scanText(rendered, chart === "" ? "Chart.yaml" : `${chart}/Chart.yaml`).typed.map(inChart);
      (applies(chart) ? typed : untyped).push(found);
      if (applies(chart)) pullSecrets.push(pullSecretsIn(rendered));
    }
  }
  return { typed: typed.flat(), untyped: untyped.flat(), pullSecrets: pullSecrets.flat() };
}

/** The hits of one file's text. A place that is typed is not reported a second time as a guess. */
export function scanText(text: string, file: string): StaticHits {
  if (/(^|\/)imageList$/i.test(file)) return { typed: [], untyped: imageList(text, file) };
  const { documents, unreadable } = readDocuments(text, (part) => mentionsImages(part, file));
  const wanted = documents.filter(({ value }) => textAt(value, "kind") !== "CustomResourceDefinition");
  const typed = wanted.flatMap((document) => typedHits(document, file));
  const places = new Set(typed.map(placeOf));
  const untyped = [
    ...wanted.flatMap((document) => untypedHits(document, file)),
    ...unreadable.flatMap((part) => hitsInText(part, file)),
  ];
  return { typed, untyped: untyped.filter((hit) => !places.has(placeOf(hit))) };
}

/** One reference a line, as sealer's `imageList` files have it. */
function imageList(text: string, file: string): readonly StaticHit[] {
  return text.split("\n").flatMap((line, index) => {
    const image = line.trim();
    const reference = image === "" || image.startsWith("#") ? undefined : tryParseReference(image);
    if (reference === undefined) return [];
    return [{ image, reference: formatReference(reference), where: { file, line: index + 1 }, text: "image list" }];
  });
}

/** Most files name none, and need not be parsed. */
function mentionsImages(text: string, file: string): boolean {
  return /image|repository/i.test(text) || /(^|\/)imageList$/i.test(file);
}

function isSubchart(path: string, charts: readonly string[]): boolean {
  return charts.some((other) => other !== path && path.startsWith(other === "" ? "charts/" : `${other}/charts/`));
}

/** A rendered chart has lines of its own that are in no file. */
function inChart(hit: StaticHit): StaticHit {
  return { ...hit, where: { file: hit.where.file, line: 1 }, text: `${hit.text} of the rendered chart` };
}

function placeOf({ where, reference }: StaticHit): string {
  return `${where.file}:${where.line}:${reference}`;
}
