import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { formatSeconds, formatSize, formatTable, plainText } from "../../../src/image/text-table.ts";

describe("formatSize", () => {
  it.each([
    [0, "0 B"],
    [1023, "1023 B"],
    [1024, "1.0 KiB"],
    [102_400, "100 KiB"],
    [1_048_064, "1.0 MiB"],
    [1_048_063, "1023 KiB"],
    [1_048_576, "1.0 MiB"],
    [48_234_567, "46.0 MiB"],
    [5 * 1024 ** 3, "5.0 GiB"],
    [3 * 1024 ** 5, "3072 TiB"],
  ])("%d bytes are %s", (bytes, text) => {
    expect(formatSize(bytes)).toBe(text);
  });
});

describe("formatSeconds", () => {
  it.each([
    [0, "0.0 s"],
    [59.94, "59.9 s"],
    [59.96, "1 min 00 s"],
    [61, "1 min 01 s"],
    [3_725, "62 min 05 s"],
  ])("%d are %s", (seconds, text) => {
    expect(formatSeconds(seconds)).toBe(text);
  });
});

describe("formatTable", () => {
  const columns = [{ header: "NAME" }, { header: "SIZE", align: "right" }, { header: "WHY", flexible: true }] as const;

  it("takes more rows than a call takes arguments", () => {
    const lines = formatTable(
      [{ header: "" }, { header: "" }],
      Array.from({ length: 150_000 }, () => ["a", "b"]),
    );
    expect(lines).toHaveLength(150_001);
    expect(lines.at(-1)).toBe("a  b");
  });

  it("aligns columns and leaves no blanks at the end", () => {
    expect(
      formatTable(columns, [
        ["a", "1 B", "because"],
        ["longer", "1000 B", ""],
      ]),
    ).toEqual(["NAME      SIZE  WHY", "a          1 B  because", "longer  1000 B"]);
  });

  it("cuts the flexible column alone, and only as far as is needed", () => {
    expect(formatTable(columns, [["a", "1 B", "pulled by pod shop/web-0 container app"]], 32)).toEqual([
      "NAME  SIZE  WHY",
      "a      1 B  pulled by pod shop/…",
    ]);
  });

  it("keeps to the width whenever the other columns leave room, one line a row", () => {
    const cell = fc.string({ unit: "binary", maxLength: 60 });
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.string({ maxLength: 8 }), fc.string({ maxLength: 8 }), cell)), (rows) => {
        const lines = formatTable(columns, rows, 50);
        expect(lines).toHaveLength(rows.length + 1);
        for (const line of lines) {
          expect([...line].length).toBeLessThanOrEqual(50);
          expect(line).toBe(plainText(line));
        }
      }),
    );
  });
});
