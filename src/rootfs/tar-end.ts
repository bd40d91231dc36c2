import { TAR_BLOCK, tarSize, tarType } from "./tar-header.ts";

/** The longest extended header that is read, as tar-stream has it. */
const LONGEST_EXTENSION = 4 * 1024 * 1024;

/**
 * Passes an archive's bytes on up to its end, an empty block where a header would be, and reads what follows to no
 * purpose. tar-stream goes on behind it, and would unpack files that GNU tar, Python and Go do not show.
 */
export async function* untilEnd(chunks: AsyncIterable<string | Buffer>): AsyncGenerator<Buffer> {
  const header = Buffer.alloc(TAR_BLOCK);
  /** Bytes of the header that are there; of content, with what fills its last block, those that are still to come. */
  let [filled, content] = [0, 0];
  /** Of the extended header that is being read, and of the entry that one has told the size of. */
  let extension: Buffer[] | undefined;
  let announced: number | undefined;
  let hasEnded = false;

  const readHeader = (): void => {
    const type = tarType(header);
    const own = Math.max(0, tarSize(header));
    const isExtension = "xgLKN".includes(type);
    const size = isExtension ? own : (announced ?? own);
    content = type === "5" ? 0 : Math.ceil(size / TAR_BLOCK) * TAR_BLOCK;
    extension = type === "x" && own <= LONGEST_EXTENSION ? [] : undefined;
    if (!isExtension) announced = undefined;
  };

  for await (const chunk of chunks) {
    const bytes = typeof chunk === "string" ? Buffer.from(chunk) : chunk;
    let offset = 0;
    while (offset < bytes.length && !hasEnded) {
      const wanted = content > 0 ? content : TAR_BLOCK - filled;
      const part = bytes.subarray(offset, offset + wanted);
      offset += part.length;
      if (content > 0) {
        content -= part.length;
        extension?.push(part);
        if (content === 0 && extension !== undefined) announced = sizeIn(Buffer.concat(extension));
      } else {
        part.copy(header, filled);
        filled = (filled + part.length) % TAR_BLOCK;
        if (filled > 0) continue;
        hasEnded = header[0] === 0 && header.every((byte) => byte === 0);
        if (!hasEnded) readHeader();
      }
    }
    if (offset > 0) yield bytes.subarray(0, offset);
  }
}

/** The size that a pax header gives the entry behind it: records of `LENGTH KEYWORD=VALUE`, each ended by a line feed. */
function sizeIn(records: Buffer): number | undefined {
  let size: number | undefined;
  for (let offset = 0; offset < records.length; ) {
    const blank = records.indexOf(" ", offset);
    const length = Number(records.toString("latin1", offset, blank));
    if (blank === -1 || !Number.isSafeInteger(length) || length <= blank - offset) break;
    const [, value] = /^size=(\d{1,15})$/.exec(records.toString("latin1", blank + 1, offset + length - 1)) ?? [];
    if (value !== undefined) size = Number(value);
    offset += length;
  }
  return size;
}
