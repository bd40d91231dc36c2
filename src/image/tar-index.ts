import type { FileHandle } from "node:fs/promises";
import { KubefileError } from "../error.ts";
import { TAR_BLOCK, tarNumber, tarSize, tarText, tarType } from "../rootfs/tar-header.ts";

/** Where the content of a file lies in a tar. */
export interface TarIndexEntry {
  /** Byte of the tar. */
  readonly start: number;
  readonly size: number;
}

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
  const header = Buffer.alloc(TAR_BLOCK);
  const entries = new Map<string, TarIndexEntry>();
  for (let at = 0; at + TAR_BLOCK <= end; ) {
    await handle.read(header, 0, TAR_BLOCK, at);
    if (header.every((byte) => byte === 0)) return entries;
    if (header.subarray(0, 2).equals(Buffer.from([0x1f, 0x8b])))
      throw invalid("it is compressed; unpack it with gunzip");
    if (!hasRightSum(header)) throw invalid(`there is no header at byte ${at}`);
    const size = tarSize(header);
    const type = tarType(header);
    const start = at + TAR_BLOCK;
    if (size < 0 || start + size > end) throw invalid("it is cut off");
    if (type === "x" || type === "g" || type === "L") {
      const extension = await contentOf(handle, start, Math.min(size, TAR_BLOCK * 16));
      if (type === "L" || /(?:^|\n)\d+ (?:path|size)=/.test(extension)) {
        throw invalid("it has names or files too long for the plain format of tar");
      }
    }
    if (type === "0" || type === "\0") entries.set(nameOf(header), { start, size });
    if (entries.size > MAX_ENTRIES) throw invalid(`it has more than ${MAX_ENTRIES} files`);
    at = start + Math.ceil(size / TAR_BLOCK) * TAR_BLOCK;
  }
  throw invalid("it is cut off");
}

function nameOf(header: Buffer): string {
  const isUstar = tarText(header, 257, 5) === "ustar";
  const prefix = isUstar ? tarText(header, 345, 155) : "";
  return `${prefix === "" ? "" : `${prefix}/`}${tarText(header, 0, 100)}`.replace(/^(?:\.\/)+/, "");
}

/** The sum of the header's bytes, with the field that holds it taken for blanks. */
function hasRightSum(header: Buffer): boolean {
  const sum = header.reduce((total, byte, at) => total + (at >= 148 && at < 156 ? 0x20 : byte), 0);
  return tarNumber(header, 148, 8) === sum;
}

async function contentOf(handle: FileHandle, start: number, length: number): Promise<string> {
  const bytes = Buffer.alloc(length);
  await handle.read(bytes, 0, length, start);
  return bytes.toString("utf8");
}
