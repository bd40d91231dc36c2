import fc from "fast-check";
import { expect, test } from "vitest";
import { cutToWidth, textWidth } from "../../../src/platform/text-width.ts";

test.each([
  ["", 0],
  ["plain", 5],
  ["Zürich", 6],
  ["Zu\u0308rich", 6],
  ["集群镜像", 8],
  ["한글", 4],
  ["🚀 go", 5],
  ["👩‍💻", 2],
  ["⚙️", 2],
  ["⠋ …", 3],
  ["\u200b", 0],
])("%j takes %i columns", (text, columns) => {
  expect(textWidth(text)).toBe(columns);
});

test.each([
  ["plain", 5, "plain"],
  ["plain", 4, "pla…"],
  ["集群镜像", 8, "集群镜像"],
  ["集群镜像", 7, "集群镜…"],
  ["集群镜像", 6, "集群…"],
  ["集群镜像", 1, "…"],
  ["plain", 0, ""],
  ["plain", -3, ""],
])("%j in %i columns is %j", (text, columns, expected) => {
  expect(cutToWidth(text, columns)).toBe(expected);
});

test("never takes more columns than it may, and leaves alone what fits", () => {
  const text = fc.string({ unit: fc.constantFrom("a", " ", "ü", "u\u0308", "集", "🚀", "👩‍💻", "…") });
  fc.assert(
    fc.property(text, fc.integer({ min: 0, max: 20 }), (value, columns) => {
      const shown = cutToWidth(value, columns);
      expect(textWidth(shown)).toBeLessThanOrEqual(columns);
      if (textWidth(value) <= columns && columns > 0) expect(shown).toBe(value);
    }),
  );
});
