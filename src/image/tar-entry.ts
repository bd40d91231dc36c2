/** POSIX.1-1988 tar ("ustar") as far as an OCI layout needs it: short names, no owner, no time. */

const BLOCK = 512;
/** Eleven octal digits. */
const MAX_OCTAL_SIZE = 0o77777777777;

export interface TarEntry {
  /** At most 100 characters; a directory's ends in a slash. */
  readonly name: string;
  readonly type: "file" | "directory";
  /** Bytes of content that follow. */
  readonly size: number;
}

export function tarHeader({ name, type, size }: TarEntry): Buffer {
  const header = Buffer.alloc(BLOCK);
  header.write(name, 0, 100, "latin1");
  header.write(type === "file" ? "0000644\0" : "0000755\0", 100, "latin1");
  header.write("0000000\0", 108, "latin1");
  header.write("0000000\0", 116, "latin1");
  if (size <= MAX_OCTAL_SIZE) {
    header.write(`${size.toString(8).padStart(11, "0")}\0`, 124, "latin1");
  } else {
    // GNU's base-256 form, which every current reader knows.
    header.writeUInt8(0x80, 124);
    header.writeBigUInt64BE(BigInt(size), 128);
  }
  header.write("00000000000\0", 136, "latin1");
  header.write(type === "file" ? "0" : "5", 156, "latin1");
  header.write("ustar\u000000", 257, "latin1");
  // The checksum is taken with its own field full of spaces.
  header.write("        ", 148, "latin1");
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148, "latin1");
  return header;
}

/** What fills the last block after `size` bytes of content. */
export function tarPadding(size: number): Buffer {
  return Buffer.alloc((BLOCK - (size % BLOCK)) % BLOCK);
}

/** Two empty blocks end an archive. */
export const tarEnd = Buffer.alloc(2 * BLOCK);
