import { countOf, formatSize, formatTable, plainText } from "../image/text-table.ts";
import { shownKey } from "./key.ts";
import { type ListedRecord, type OtherEntry, sizeOfRecord } from "./listing.ts";

const MAX_OTHERS = 20;

/** Records as a table, a line each. */
export function formatRecords(records: readonly ListedRecord[], width: number): string[] {
  if (records.length === 0) return [];
  const columns = [
    { header: "used (UTC)" },
    { header: "kind" },
    { header: "scope" },
    { header: "size", align: "right" as const },
    { header: "key" },
    { header: "what", flexible: true },
  ];
  const rows = records.map((record) => [
    record.used === undefined ? "unknown" : shownTime(record.used),
    record.kind,
    record.scope,
    formatSize(sizeOfRecord(record)),
    shownKey(record.key),
    record.title,
  ]);
  return formatTable(columns, rows, width);
}

/** What lies among records and is left alone, a line each. */
export function formatOthers(others: readonly OtherEntry[]): string[] {
  const shown = others.slice(0, MAX_OTHERS).map(({ name, why }) => plainText(`left alone: ${name}: ${why}`));
  return others.length > MAX_OTHERS ? [...shown, `and ${countOf(others.length - MAX_OTHERS, "other")}`] : shown;
}

/** What a list of records comes to in JSON. */
export function recordFields(record: ListedRecord): Readonly<Record<string, unknown>> {
  const { key, scope, kind, title, used } = record;
  return { key, kind, scope, title, used: used?.toISOString(), size: sizeOfRecord(record) };
}

function shownTime(time: Date): string {
  return time.toISOString().slice(0, 16).replace("T", " ");
}
