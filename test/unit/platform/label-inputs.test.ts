import { describe, expect, test } from "vitest";
import { parseLabels } from "../../../src/platform/label-inputs.ts";

describe("labels and annotations", () => {
  test("of flags are put over those of the file; a value may hold anything", () => {
    expect(parseLabels("--label", ["a=1=2", "b=x", "b=", "c=manifest:x=y"], { a: "file", d: "file" })).toEqual({
      ...{ a: "1=2", b: "", c: "manifest:x=y", d: "file" },
    });
  });

  test.each([
    ["manifest:a=1", { a: "1" }],
    ["manifest[linux/amd64]:a=b:c", { a: "b:c" }],
    ["index,manifest:a=1", { a: "1" }],
    ["org.example/a:b=1", { "org.example/a:b": "1" }],
  ])("an annotation says what it is put on: %s", (word, expected) => {
    expect(parseLabels("--annotation", [word])).toEqual(expected);
  });

  test.each([
    ["--annotation", "index:a=1", "is for index, and a manifest is built"],
    ["--annotation", "vnd.kubefile.artifact-type=x", "are written by the build alone"],
    ["--label", "io.kubefile.own-network=true", "are written by the build alone"],
    ["--label", "a", "has no value"],
    ["--annotation", "=1", "has no name"],
  ] as const)("%s %s is refused", (flag, word, message) => {
    expect(() => parseLabels(flag, [word])).toThrow(expect.objectContaining({ code: "USAGE" }));
    expect(() => parseLabels(flag, [word])).toThrow(message);
  });

  test("a name of ours is refused in kubefile.yaml, too", () => {
    expect(() => parseLabels("--label", [], { "io.kubefile.grade": "ready" })).toThrow(
      "are written by the build alone",
    );
  });
});
