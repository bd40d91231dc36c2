import { expect, test } from "vitest";
import { printable, printableJson } from "../../../src/process/printable.ts";

test.each([
  ["plain text and tabs", "a\tb ✓ Zürich", "a\tb ✓ Zürich"],
  ["colours", "\u001b[1;31mred\u001b[0m", "red"],
  ["moves of the cursor", "\u001b[2Aup\u001b[2K\u001b[?25l", "up"],
  ["a window title", "\u001b]0;owned\u0007text", "text"],
  ["a hyperlink", "\u001b]8;;http://example.com\u001b\\name\u001b]8;;\u001b\\", "name"],
  ["a cut sequence", "text\u001b[", "text"],
  ["a string that is never ended", "text\u001bPall of the rest", "text"],
  ["lines", "one\r\ntwo\u2028three", "one��two�three"],
  ["a bell and a null", "a\u0007b\u0000", "a�b�"],
  ["turned text", "good\u202ednuos", "good�dnuos"],
])("%s", (_case, text, expected) => {
  expect(printable(text)).toBe(expected);
});

test("JSON says the same, in signs that steer no terminal", () => {
  const value = { "a\u009b2J": ["\u007f", "\u001b]0;x\u0007", "\u202edlrow\u2066", "Zürich \u2028"] };
  const text = printableJson(value);
  expect(JSON.parse(text)).toEqual(value);
  expect(text).toBe(printable(text.replaceAll("\n", "\t")).replaceAll("\t", "\n"));
  expect(printableJson({ a: 1 }, 0)).toBe('{"a":1}');
});
