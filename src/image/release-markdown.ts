import { hexOf } from "../oci/digest.ts";
import { fitTables } from "./fit-tables.ts";
import type { Inspection } from "./inspect.ts";
import { codeBlock, codeSpan, unbroken } from "./markdown.ts";
import { countOf, formatSize } from "./text-table.ts";

export interface ReleaseNotes {
  /** By its digest. */
  readonly reference: string;
  /** `1.4.2`: the tag that it has for good. */
  readonly version: string;
  readonly image: Inspection;
  readonly previous?: {
    readonly version: string;
    /** Markdown of ours on what changed since. */
    readonly difference: string;
  };
  /** Files that hang on the release. */
  readonly archive?: { readonly name: string; readonly size: number };
  readonly lock?: string;
}

/** More rows than that are unfolded by whoever wants to see them. */
const SHOWN_IMAGES = 20;
const SHORT_DIGEST = 12;

/**
 * What a release says of a cluster image: what it is, what changed, how it is used. It has no heading of its own, since a
 * release has a name.
 *
 * @param limit bytes that the place which shows it takes
 */
export function releaseMarkdown(notes: ReleaseNotes, { limit }: { readonly limit: number }): string {
  const { image, previous, reference } = notes;
  const { list } = image.images;
  const table = {
    columns: [{ header: "Image" }, { header: "Digest" }, { header: "Size", align: "right" } as const],
    rows: list.map(({ reference: name, digest, size }) => [
      codeSpan(name),
      codeSpan(hexOf(digest).slice(0, SHORT_DIGEST)),
      unbroken(formatSize(size)),
    ]),
  };
  const title = `${countOf(list.length, "image")}`;
  return fitTables(
    [
      { markdown: summary(notes) },
      previous === undefined
        ? { markdown: "" }
        : {
            markdown: `## Since ${previous.version}\n\n${previous.difference.trim()}`,
            instead: `What changed since ${previous.version} is too long: \`kubefile diff\` tells.`,
          },
      { markdown: "## Images" },
      list.length > SHOWN_IMAGES ? { markdown: "", table, folded: title } : { markdown: "", table },
      { markdown: `## Use it\n\n${use(notes)}` },
    ],
    limit,
    `\`kubefile inspect ${reference}\` shows all`,
  );
}

function summary({ reference, image }: ReleaseNotes): string {
  const { size, images, config } = image;
  const needs = config.needsNetwork ? " Its launch needs a network." : "";
  return [
    `A cluster image of ${countOf(images.list.length, "image")}, ${formatSize(size)}, grade ${codeSpan(config.grade)}.${needs}`,
    codeBlock(reference),
  ].join("\n\n");
}

function use({ reference, archive, lock }: ReleaseNotes): string {
  const there = codeBlock(`kubefile verify ${reference}\nkubefile run ${reference}`, "console");
  const parts = [`Prove that it starts with the network cut, or launch it in a kind cluster:\n\n${there}`];
  if (archive !== undefined) {
    const copy = `skopeo copy oci-archive:${archive.name} docker://registry.example/REPOSITORY:TAG`;
    const text = `${codeSpan(archive.name)}, ${formatSize(archive.size)}, is all of it in one file, to be carried to where no network leads:`;
    parts.push(`${text}\n\n${codeBlock(copy, "console")}`);
  }
  if (lock !== undefined) parts.push(`${codeSpan(lock)} has what its tags stood for.`);
  return parts.join("\n\n");
}
