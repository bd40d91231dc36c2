import { describe, expect, test } from "vitest";
import { parseRange, UnsatisfiableRange } from "../../../src/registry/server-range.ts";

describe("Range of a blob of 5,000 bytes (RFC 9110, section 14)", () => {
  test.each<[string | undefined, { start: number; end: number } | undefined]>([
    [undefined, undefined],
    ["bytes=0-0", { start: 0, end: 1 }],
    ["bytes=500-1499", { start: 500, end: 1500 }],
    ["bytes=500-", { start: 500, end: 5000 }],
    ["bytes=4999-", { start: 4999, end: 5000 }],
    ["bytes=-500", { start: 4500, end: 5000 }],
    ["bytes=-9999", { start: 0, end: 5000 }],
    ["bytes=2000-9999", { start: 2000, end: 5000 }],
    ["Bytes= 1-2", { start: 1, end: 3 }],
    // Several ranges, or another unit, may be ignored.
    ["bytes=0-1,3-4", undefined],
    ["items=0-1", undefined],
    ["0-1", undefined],
  ])("%s", (header, expected) => {
    expect(parseRange(header, 5_000)).toEqual(expected);
  });

  test.each([
    "bytes=5000-",
    "bytes=5000-10000",
    "bytes=500-0",
    "bytes=-0",
    "bytes=-",
    "bytes=",
    "bytes=a-b",
    "bytes=1-2-3",
    "bytes=0x1-2",
    "bytes=--1",
    "bytes=99999999999999999999-",
  ])("%s cannot be satisfied", (header) => {
    expect(() => parseRange(header, 5_000)).toThrow(UnsatisfiableRange);
  });

  test("no range of an empty blob can be satisfied", () => {
    expect(() => parseRange("bytes=0-", 0)).toThrow(UnsatisfiableRange);
  });
});
