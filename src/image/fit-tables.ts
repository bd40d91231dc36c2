import { details, type MarkdownColumn, markdownTable } from "./markdown.ts";

/** A part of a page: markdown of ours, and below it a table that may lose rows from its end. */
export interface PageSection {
  readonly markdown: string;
  readonly table?: {
    readonly columns: readonly MarkdownColumn[];
    readonly rows: readonly (readonly string[])[];
  };
  /** Markdown of ours that stays when all of it is folded away; the reader unfolds it. */
  readonly folded?: string;
  /** Where nothing else helps it goes as a whole, and this stands in its place. */
  readonly instead?: string;
}

interface Fitted {
  readonly section: PageSection;
  /** Rows that are shown. */
  rows: number;
  gone: boolean;
}

/**
 * Joins sections to a page of at most so many bytes. Tables lose rows, the largest first, and say how many; then whole
 * sections go, the last first. Nothing is cut open.
 *
 * @param more where the rest is to be found: "the report has all"
 */
export function fitTables(sections: readonly PageSection[], limit: number, more: string): string {
  const fitted = sections
    .filter(({ markdown, table }) => markdown !== "" || (table?.rows.length ?? 0) > 0)
    .map((section): Fitted => ({ section, rows: section.table?.rows.length ?? 0, gone: false }));
  const page = (): string =>
    `${fitted
      .map((each) => shown(each, more))
      .filter(Boolean)
      .join("\n\n")}\n`;
  while (bytesOf(page()) > limit) {
    const tables = fitted.filter(({ rows }) => rows > 0);
    const largest = tables.toSorted((one, other) => bytesOf(shown(other, more)) - bytesOf(shown(one, more)))[0];
    if (largest !== undefined) {
      largest.rows = Math.floor(largest.rows / 2);
      continue;
    }
    const last = fitted.findLast(({ section, gone }) => !gone && section.instead !== undefined);
    if (last === undefined) break;
    last.gone = true;
  }
  return page();
}

function shown({ section, rows, gone }: Fitted, more: string): string {
  if (gone) return section.instead ?? "";
  const body = content(section, rows, more);
  return section.folded === undefined ? body : details(section.folded, body);
}

function content({ markdown, table }: PageSection, rows: number, more: string): string {
  if (table === undefined || table.rows.length === 0) return markdown;
  const missing = table.rows.length - rows;
  const note = missing === 0 ? "" : `${missing} more ${missing === 1 ? "row is" : "rows are"} left out here; ${more}.`;
  const body = rows === 0 ? "" : markdownTable(table.columns, table.rows.slice(0, rows));
  return [markdown, body, note].filter((part) => part !== "").join("\n\n");
}

function bytesOf(text: string): number {
  return Buffer.byteLength(text);
}
