import type { Readable } from "node:stream";

/** Characters of a line that are passed on: a program that never ends its line must not fill the memory. */
export const LONGEST_LINE = 4 * 1024 * 1024;

/** Calls back for each line as it arrives; of one that is too long for its beginning. Resolves when all has been read. */
export function readLines(stream: Readable, onLine: (line: string) => void): Promise<void> {
  let line = "";
  let endsInReturn = false;
  const pass = (): void => {
    onLine(line.length > LONGEST_LINE ? `${line.slice(0, LONGEST_LINE)}…` : line);
    line = "";
  };
  stream.setEncoding("utf8");
  stream.on("data", (chunk: string) => {
    const text = `${endsInReturn ? "\r" : ""}${chunk}`;
    // A line feed that belongs to it may still come.
    endsInReturn = text.endsWith("\r");
    const parts = (endsInReturn ? text.slice(0, -1) : text).split(/\r\n|[\n\r]/);
    for (const [position, part] of parts.entries()) {
      if (position > 0) pass();
      if (line.length <= LONGEST_LINE) line += part;
    }
  });
  return new Promise((resolve) => {
    stream.once("close", () => {
      if (line !== "" || endsInReturn) pass();
      resolve();
    });
  });
}
