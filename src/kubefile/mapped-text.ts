/** A place in the Kubefile; both count from 1, columns in UTF-16 code units as editors do. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

/** From `start` up to, not including, `end`. */
export interface Span {
  readonly start: Position;
  readonly end: Position;
}

/** From `offset` on, until the next piece, the text stands in the file at this place, character by character. */
export interface Piece extends Position {
  readonly offset: number;
}

/**
 * Text that was put together from several places of a file (continued lines, unquoted words, decoded JSON strings) and
 * still knows where each of its characters was written.
 */
export interface MappedText {
  readonly text: string;
  /** Ascending by offset; the first has offset 0. */
  readonly pieces: readonly Piece[];
}

/** Where the character at `offset` was written; beyond the text, the place right after its last character. */
export function positionAt(mapped: MappedText, offset: number): Position {
  if (offset >= mapped.text.length && mapped.text.length > 0) {
    const last = positionAt(mapped, mapped.text.length - 1);
    return { line: last.line, column: last.column + 1 };
  }
  const piece = mapped.pieces[pieceIndex(mapped.pieces, offset)];
  if (piece === undefined) return { line: 1, column: 1 };
  return { line: piece.line, column: piece.column + Math.max(0, offset - piece.offset) };
}

/** Where the characters from `start` up to `end` were written. */
export function spanOf(mapped: MappedText, start: number, end: number): Span {
  const from = positionAt(mapped, start);
  if (end <= start) return { start: from, end: from };
  const last = positionAt(mapped, end - 1);
  return { start: from, end: { line: last.line, column: last.column + 1 } };
}

export function slice(mapped: MappedText, start: number, end: number = mapped.text.length): MappedText {
  const pieces: Piece[] = [{ offset: 0, ...positionAt(mapped, start) }];
  for (let index = pieceIndex(mapped.pieces, start) + 1; index < mapped.pieces.length; index += 1) {
    const piece = mapped.pieces[index];
    if (piece === undefined || piece.offset >= end) break;
    pieces.push({ ...piece, offset: piece.offset - start });
  }
  return { text: mapped.text.slice(start, end), pieces };
}

export function concatenate(parts: readonly MappedText[]): MappedText {
  const pieces: Piece[] = [];
  let text = "";
  for (const part of parts) {
    if (part.text === "" && pieces.length > 0) continue;
    for (const piece of part.pieces) {
      const shifted = { ...piece, offset: piece.offset + text.length };
      if (pieces.at(-1)?.offset === shifted.offset) pieces.pop();
      pieces.push(shifted);
    }
    text += part.text;
  }
  return { text, pieces };
}

/** The part without the white space at both ends. */
export function trim(mapped: MappedText): MappedText {
  const start = mapped.text.length - mapped.text.trimStart().length;
  return slice(mapped, start, Math.max(start, mapped.text.trimEnd().length));
}

/** Index of the last piece that starts at or before `offset`. */
function pieceIndex(pieces: readonly Piece[], offset: number): number {
  let low = 0;
  let high = pieces.length - 1;
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if ((pieces[middle]?.offset ?? 0) <= offset) low = middle;
    else high = middle - 1;
  }
  return low;
}
