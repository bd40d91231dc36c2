/** Fields of a tar's headers (POSIX ustar, and GNU's form of large numbers). */

export const TAR_BLOCK = 512;

/** A field of text, up to its first NUL. */
export function tarText(header: Buffer, start: number, length: number): string {
  const field = header.subarray(start, start + length);
  const zero = field.indexOf(0);
  return field.subarray(0, zero === -1 ? length : zero).toString("utf8");
}

/** Bytes of the entry's content; -1 when the header does not say. */
export function tarSize(header: Buffer): number {
  return tarNumber(header, 124, 12);
}

/** The character that says what the entry is: `0` a file, `5` a directory, `x` more of the next header. */
export function tarType(header: Buffer): string {
  return String.fromCharCode(header[156] ?? 0);
}

/** Octal digits, or the base-256 form that GNU tar made for sizes above 8 GiB; -1 for neither. */
export function tarNumber(header: Buffer, start: number, length: number): number {
  if (header[start] === 0x80) {
    const value = header.readBigUInt64BE(start + length - 8);
    return value > BigInt(Number.MAX_SAFE_INTEGER) ? -1 : Number(value);
  }
  const text = tarText(header, start, length).trim();
  return /^[0-7]+$/.test(text) ? Number.parseInt(text, 8) : -1;
}
