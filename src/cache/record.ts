import { errorMessage } from "../error.ts";
import { imageProblems } from "../image/config.ts";
import { type Check, compileSchema } from "../image/schema.ts";
import { countOf } from "../image/text-table.ts";
import { canonicalJson } from "../oci/canonical-json.ts";
import { shownKey } from "./key.ts";
import type { CacheKey, CacheRecord } from "./types.ts";

/** Of a record's JSON. The largest real one, of a launch with 300 images, has a tenth of it. */
export const MAX_RECORD_BYTES = 4 * 1024 * 1024;

/** A record that cannot be kept, here or in a certain place; others can. */
export class RecordRefused extends Error {
  constructor(record: CacheRecord, why: string) {
    super(`the ${record.kind} record of key ${shownKey(record.key)} is not kept: ${why}`);
    this.name = "RecordRefused";
  }
}

let check: Check<CacheRecord> | undefined;

/**
 * The one spelling of a record. What we write is checked like what we read: nobody could use it otherwise.
 *
 * @throws RecordRefused when it does not fit schemas/cache-record.schema.json or is too large
 */
export function encodeRecord(record: CacheRecord): Buffer {
  const bytes = Buffer.from(canonicalJson(record));
  const read = decodeRecord(bytes, record.key);
  if ("problem" in read) throw new RecordRefused(record, read.problem);
  return bytes;
}

/**
 * Reads a record's JSON. It comes from wherever a cache is kept, so nothing in it is believed: it must be small, fit the
 * schema and be of the key that it was looked up by.
 */
export function decodeRecord(
  bytes: Uint8Array,
  key: CacheKey,
): { readonly record: CacheRecord } | { readonly problem: string } {
  if (bytes.byteLength > MAX_RECORD_BYTES) return { problem: tooLarge(bytes.byteLength) };
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (error) {
    return { problem: `it is not JSON: ${errorMessage(error).slice(0, 200)}` };
  }
  check ??= compileSchema<CacheRecord>("cache-record");
  const result = check(json);
  if ("problems" in result) return { problem: summary(result.problems) };
  const record = result.value;
  if (record.key !== key) return { problem: `it is of key ${shownKey(record.key)}` };
  const problems = record.kind === "launch" ? imageProblems(record) : [];
  return problems.length > 0 ? { problem: summary(problems) } : { record };
}

export function tooLarge(bytes: number): string {
  return `it has ${bytes} bytes, more than ${MAX_RECORD_BYTES}`;
}

function summary(problems: readonly string[]): string {
  const [first = "it is not valid", ...more] = problems;
  return more.length === 0 ? first : `${first}, and ${countOf(more.length, "problem")} more`;
}
