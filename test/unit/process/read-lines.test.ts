import { createInterface } from "node:readline";
import { Readable } from "node:stream";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { outputTail } from "../../../src/process/output-tail.ts";
import { LONGEST_LINE, readLines } from "../../../src/process/read-lines.ts";

async function linesOf(chunks: Iterable<string>): Promise<string[]> {
  const lines: string[] = [];
  await readLines(Readable.from([...chunks].map(Buffer.from), { objectMode: false }), (line) => lines.push(line));
  return lines;
}

describe("readLines", () => {
  it("knows the same lines as Node's own reader, however the text is cut", async () => {
    const piece = fc.string({ unit: fc.constantFrom("a", "é", " ", "\n", "\r", "\r\n"), minLength: 1 });
    await fc.assert(
      fc.asyncProperty(fc.array(piece), async (pieces) => {
        const input = Readable.from(pieces.map(Buffer.from), { objectMode: false });
        const expected: string[] = [];
        for await (const line of createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY })) expected.push(line);
        expect(await linesOf(pieces)).toEqual(expected);
      }),
    );
  });

  it("puts characters together that were cut apart", async () => {
    const bytes = Buffer.from("é\n");
    const lines: string[] = [];
    await readLines(Readable.from([bytes.subarray(0, 1), bytes.subarray(1)]), (line) => lines.push(line));
    expect(lines).toEqual(["é"]);
  });

  it("passes on the beginning of a line that is longer than the longest text", async () => {
    function* endless(): Generator<string> {
      for (let sent = 0; sent < 64; sent += 1) yield "x".repeat(1024 * 1024);
      yield "\nnext\n";
    }
    const [first = "", ...rest] = await linesOf(endless());
    expect(first).toHaveLength(LONGEST_LINE + 1);
    expect(first.endsWith("x…")).toBe(true);
    expect(rest).toEqual(["next"]);
  });
});

describe("outputTail", () => {
  it("keeps the end, and all of what is shorter", () => {
    const tail = outputTail(5);
    tail.add("ab");
    expect(tail.text()).toBe("ab");
    for (const text of ["cdef", "ghijklmno", "", "p"]) tail.add(text);
    expect(tail.text()).toBe("lmnop");
  });

  it("is as quick with many lines as with few", () => {
    const tail = outputTail(1024 * 1024);
    const started = performance.now();
    for (let line = 0; line < 200_000; line += 1) tail.add(`${"x".repeat(60)}${line}\n`);
    expect(performance.now() - started).toBeLessThan(5_000);
    expect(tail.text()).toHaveLength(1024 * 1024);
    expect(tail.text().endsWith("x199999\n")).toBe(true);
  });
});
