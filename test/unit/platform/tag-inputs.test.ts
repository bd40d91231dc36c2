import { expect, test } from "vitest";
import { parseIfDigest } from "../../../src/platform/tag-inputs.ts";

test("--if-digest takes a digest, none, or is not there", () => {
  const digest = `sha256:${"ab".repeat(32)}`;
  expect([digest, "none", undefined].map(parseIfDigest)).toEqual([digest, "none", undefined]);
});

test.each(["", "None", "sha256:abc", `sha256:${"AB".repeat(32)}`, "edge"])("--if-digest %j is refused", (text) => {
  expect(() => parseIfDigest(text)).toThrow(`--if-digest ${JSON.stringify(text)} is not a digest`);
});
