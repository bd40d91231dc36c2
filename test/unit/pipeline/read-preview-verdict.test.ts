import { expect, it } from "vitest";
import { readPreviewVerdict } from "../../../src/pipeline/read-preview-verdict.ts";
import { sampleVerdict } from "../../support/sample-verdict.ts";

it("reads what a preview wrote", () => {
  expect(readPreviewVerdict(JSON.stringify(sampleVerdict), "verdict.json")).toEqual(sampleVerdict);
});

it.each([
  ["no JSON", "{", "verdict.json is no verdict of a preview: it is not JSON"],
  ["another document", "{}", "must have required property 'schemaVersion'"],
  ["a field of its own", JSON.stringify({ ...sampleVerdict, html: "<b>" }), "must NOT have additional properties"],
  [
    "a text without end",
    JSON.stringify({ ...sampleVerdict, test: { ...sampleVerdict.test, output: "x".repeat(100_001) } }),
    "100000 characters",
  ],
  ["a document without end", " ".repeat(5_000_000), "it is longer than 4194304 characters"],
])("refuses %s", (_, text, why) => {
  expect(() => readPreviewVerdict(text, "verdict.json")).toThrow(why);
});
