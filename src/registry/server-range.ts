import { RegistryError } from "./errors.ts";

/** Bytes of a blob: `start` is the first, `end` one past the last. */
export interface Range {
  readonly start: number;
  readonly end: number;
}

/** Answered with 416 and the blob's size in `Content-Range`. */
export class UnsatisfiableRange extends RegistryError {
  readonly size: number;

  constructor(size: number) {
    super(416, "SIZE_INVALID", `the blob has ${size} bytes, the range lies outside of them`);
    this.size = size;
  }
}

/**
 * Reads a `Range` header (RFC 9110, section 14.2). Undefined means the whole blob: no header, a unit other than bytes,
 * or several ranges, which a server may ignore.
 *
 * @throws UnsatisfiableRange
 */
export function parseRange(header: string | undefined, size: number): Range | undefined {
  const specifier = /^bytes=(.*)$/i.exec(header?.trim() ?? "")?.[1];
  if (specifier === undefined || specifier.includes(",")) return undefined;
  const [, first, last] = /^\s*(\d{0,15})-(\d{0,15})\s*$/.exec(specifier) ?? [];
  if (first === undefined || last === undefined || (first === "" && last === "")) throw new UnsatisfiableRange(size);
  const start = first === "" ? Math.max(0, size - Number(last)) : Number(first);
  const end = first === "" || last === "" ? size : Math.min(Number(last) + 1, size);
  if (start >= end) throw new UnsatisfiableRange(size);
  return { start, end };
}
