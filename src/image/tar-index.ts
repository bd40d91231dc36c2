import type { FileHandle } from "node:fs/promises";
import { KubefileError } from "../error.ts";

/** Where the content of a file lies in a tar. */
export interface TarIndexEntry {
  /** Byte of the tar. */
  readonly start: number;
  readonly size: number;
}

const BLOCK = 512;
const MAX_ENTRIES = 200_000;

/**
 * Finds the files of a tar (POSIX ustar) by reading its headers alone, so that one of many gigabytes is looked into in
 * no time.
 *
 * @param file what messages call it
 * @throws KubefileError ARTIFACT_INVALID when it is none, or needs more than ustar says
 */
export async function readTarIndex(handle: FileHandle, file: string): Promise<ReadonlyMap<string, TarIndexEntry>> {
  const invalid = (why: string): KubefileError =>
    new KubefileError("ARTIFACT_INVALID", `${file} is not the tar of an OCI layout: ${why}`, {
      hint: "write one with `kubefile build -o type=oci,dest=FILE`",
    });
  const { size: end } = await handle.stat();
  const header = Buffer.alloc(BLOCK);
  const entries = new Map<string, TarIndexEntry>();
  for (let at = 0; at + BLOCK <= end; ) {
    await handle.read(header, 0, BLOCK, at);
    if (header.every((byte) => byte === 0)) return entries;
    if (header.subarray(0, 2).equals(Buffer.from([0x1f, 0x8b])))
      throw invalid("it is compressed; unpack it with gunzip");
    if (!hasRightSum(header)) throw invalid(`there is no header at byte ${at}`);
    const size = numberAt(header, 124, 12);
    const type = String.fromCharCode(header[156] ?? 0);
    const start = at + BLOCK;
    if (size < 0 || start + size > end) throw invalid("it is cut off");
    if (type === "x" || type === "g" || type === "L") {
      const extension = await contentOf(handle, start, Math.min(size, BLOCK * 16));
      if (type === "L" || /(?:^|\n)\d+ (?:path|size)=/.test(extension)) {
        throw invalid("it has names or files too long for the plain format of tar");
      }
    }
    if (type === "0" || type === "\0") entries.set(nameOf(header), { start, size });
    if (entries.size > MAX_ENTRIES) throw invalid(`it has more than ${MAX_ENTRIES} files`);
    at = start + Math.ceil(size / BLOCK) * BLOCK;
  }
  throw invalid("it is cut off");
}

function nameOf(header: Buffer): string {
  const isUstar = textAt(header, 257, 5) === "ustar";
  const prefix = isUstar ? textAt(header, 345, 155) : "";
  return `${prefix === "" ? "" : `${prefix}/`}${textAt(header, 0, 100)}`.replace(/^(?:\.\/)+/, "");
}

function textAt(header: Buffer, start: number, length: number): string {
  const field = header.subarray(start, start + length);
  const zero = field.indexOf(0);
  return field.subarray(0, zero === -1 ? length : zero).toString("utf8");
}

/** Octal digits, or the base-256 form that GNU tar made for sizes above 8 GiB; -1 for neither. */
function numberAt(header: Buffer, start: number, length: number): number {
  if (header[start] === 0x80) {
    const value = header.readBigUInt64BE(start + length - 8);
    return value > BigInt(Number.MAX_SAFE_INTEGER) ? -1 : Number(value);
  }
  const text = textAt(header, start, length).trim();
  return /^[0-7]+$/.test(text) ? Number.parseInt(text, 8) : -1;
}

/** The sum of the header's bytes, with the field that holds it taken for blanks. */
function hasRightSum(header: Buffer): boolean {
  const sum = header.reduce((total, byte, at) => total + (at >= 148 && at < 156 ? 0x20 : byte), 0);
  return numberAt(header, 148, 8) === sum;
}

async function contentOf(handle: FileHandle, start: number, length: number): Promise<string> {
  const bytes = Buffer.alloc(length);
  await handle.read(bytes, 0, length, start);
  return bytes.toString("utf8");
}
