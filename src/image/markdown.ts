import { printable } from "../process/printable.ts";

/**
 * GitHub Flavored Markdown, which GitLab reads, too. Names, messages and logs come from strangers: they stand in code
 * spans and code blocks alone, where neither mentions, links, references, HTML nor GitLab's quick actions work.
 */

/** One line as code. */
export function codeSpan(text: string): string {
  const line = printable(text).trim();
  if (line === "") return "";
  const fence = "`".repeat(longestRun(line) + 1);
  // CommonMark 6.1: one blank on each side is taken off again, and keeps backticks of the text from the fence.
  const padding = line.startsWith("`") || line.endsWith("`") ? " " : "";
  return `${fence}${padding}${line}${padding}${fence}`;
}

/** A word or a small number of a sentence; it has nothing that makes a mention, a link, a reference or HTML of it. */
const word = /^\(?(?:[A-Za-z]+(?:-[A-Za-z]+)*|\d{1,4})[,;:)]?$/;

/** A sentence of ours with names of strangers in it: what is no plain word of it stands as code. */
export function proseWithNames(text: string): string {
  const runs: { readonly isProse: boolean; readonly tokens: string[] }[] = [];
  for (const token of printable(text).split(/\s+/).filter(Boolean)) {
    const isProse = word.test(token);
    const last = runs.at(-1);
    if (last?.isProse === isProse) last.tokens.push(token);
    else runs.push({ isProse, tokens: [token] });
  }
  return runs.map(({ isProse, tokens }) => (isProse ? tokens.join(" ") : codeSpan(tokens.join(" ")))).join(" ");
}

/** A number and its unit, which no cell is to break apart. */
export function unbroken(text: string): string {
  return text.replaceAll(" ", "\u00a0");
}

/** Lines as code; `language` only colours them. */
export function codeBlock(text: string, language = "text"): string {
  const lines = text.trimEnd().split(/\r?\n/).map(printable);
  const fence = "`".repeat(Math.max(3, longestRun(text) + 1));
  return [`${fence}${language}`, ...lines, fence].join("\n");
}

/** Something to unfold. Both parts are markdown of ours. */
export function details(summary: string, body: string): string {
  return `<details><summary>${summary}</summary>\n\n${body}\n\n</details>`;
}

export interface MarkdownColumn {
  readonly header: string;
  readonly align?: "left" | "right";
  /** Left out when no row has anything in it. */
  readonly optional?: true;
}

/** Cells are markdown of ours, code spans for what comes from elsewhere. */
export function markdownTable(columns: readonly MarkdownColumn[], rows: readonly (readonly string[])[]): string {
  const used = columns.flatMap(({ optional }, position) =>
    optional !== true || rows.some((cells) => cells[position]) ? [position] : [],
  );
  const row = (cells: readonly string[]): string =>
    // A pipe ends a cell even inside a code span; GFM takes the backslash out again in both places.
    `| ${used.map((position) => (cells[position] ?? "").replaceAll("|", "\\|")).join(" | ")} |`;
  return [
    row(columns.map(({ header }) => header)),
    // Headers without an alignment stand in the middle of their columns, far from what they are about.
    row(columns.map(({ align }) => (align === "right" ? "--:" : ":--"))),
    ...rows.map(row),
  ].join("\n");
}

export interface MarkdownSection {
  readonly markdown: string;
  /** Where there is no room for all, the section with the highest number goes first. */
  readonly dispensable: number;
  /** What stands in its place then. */
  readonly instead?: string;
}

/** Joins sections; whole ones are left out until the rest fits, so that no table, fence or tag is cut open. */
export function fitMarkdown(sections: readonly MarkdownSection[], limit: number): string {
  const left = new Set<MarkdownSection>();
  const joined = (): string =>
    sections
      .map((section) => (left.has(section) ? (section.instead ?? "") : section.markdown))
      .filter((text) => text !== "")
      .join("\n\n")
      .concat("\n");
  const order = [...sections].sort((one, other) => other.dispensable - one.dispensable);
  for (const section of order) {
    if (joined().length <= limit) break;
    left.add(section);
  }
  return joined();
}

function longestRun(text: string): number {
  let longest = 0;
  for (const [run] of text.matchAll(/`+/g)) longest = Math.max(longest, run.length);
  return longest;
}
