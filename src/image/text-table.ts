/** Text for people: tables, sizes, durations. Cells may hold anything; what would move the cursor is taken out. */

export interface Column {
  readonly header: string;
  readonly align?: "left" | "right";
  /** Cut with an ellipsis when the table would be wider than the terminal. At most one column of a table. */
  readonly flexible?: boolean;
}

const GAP = "  ";
const MIN_FLEXIBLE = 12;

/** Lines without trailing blanks; `width` in characters. */
export function formatTable(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  width = Number.POSITIVE_INFINITY,
): string[] {
  const cells = [columns.map(({ header }) => header), ...rows].map((row) =>
    columns.map((_, position) => plainText(row[position] ?? "")),
  );
  const widths = columns.map((_, position) =>
    // There may be more rows than a call takes arguments.
    cells.reduce((widest, row) => Math.max(widest, lengthOf(row[position] ?? "")), 0),
  );
  const excess = widths.reduce((sum, each) => sum + each, GAP.length * (columns.length - 1)) - width;
  const flexible = columns.findIndex((column) => column.flexible === true);
  if (excess > 0 && flexible >= 0) {
    widths[flexible] = Math.max(Math.min(MIN_FLEXIBLE, widths[flexible] ?? 0), (widths[flexible] ?? 0) - excess);
  }
  return cells.map((row) =>
    row
      .map((text, position) => fill(text, widths[position] ?? 0, columns[position]?.align ?? "left"))
      .join(GAP)
      .trimEnd(),
  );
}

/** `0 B`, `12.3 MiB`: three figures and a binary unit. */
export function formatSize(bytes: number): string {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let [value, unit] = [bytes, 0];
  // Compared after rounding, so that nothing reads "1024 KiB".
  while (unit < units.length - 1 && Math.round(value) >= 1024) [value, unit] = [value / 1024, unit + 1];
  return `${unit === 0 ? value : value.toFixed(value < 100 ? 1 : 0)} ${units[unit]}`;
}

/** `0.4 s`, `12.3 s`, `2 min 05 s`. */
export function formatSeconds(seconds: number): string {
  if (Number(seconds.toFixed(1)) < 60) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  return `${Math.floor(whole / 60)} min ${String(whole % 60).padStart(2, "0")} s`;
}

export function countOf(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}

/** One line, nothing that a terminal acts on: names in an image are whatever its maker wrote. */
export function plainText(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is taken out
  return text.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]+/g, " ");
}

/** At most `width` characters, the last of them an ellipsis when something is missing. */
export function cut(text: string, width: number): string {
  return lengthOf(text) > width ? `${[...text].slice(0, Math.max(0, width - 1)).join("")}…` : text;
}

function fill(text: string, width: number, align: "left" | "right"): string {
  const shown = cut(text, width);
  const padding = " ".repeat(Math.max(0, width - lengthOf(shown)));
  return align === "right" ? padding + shown : shown + padding;
}

function lengthOf(text: string): number {
  return [...text].length;
}
