import { expect, test } from "vitest";
import { formatPlatform, hostPlatform, parsePlatform } from "../../../src/oci/descriptor.ts";

test.each([
  ["linux/amd64", "linux/amd64"],
  ["linux/amd64/v1", "linux/amd64"],
  ["linux/amd64/v3", "linux/amd64/v3"],
  ["linux/arm64/v8", "linux/arm64"],
  ["linux/arm", "linux/arm/v7"],
  ["linux/arm/v6", "linux/arm/v6"],
])("%s is %s, as containerd has it", (written, name) => {
  const platform = parsePlatform(written);
  expect(platform && formatPlatform(platform)).toBe(name);
});

test.each(["windows/amd64", "linux", "linux/", "linux/AMD64", "linux/arm/7", "linux/amd64/v1/x"])(
  "%s is none",
  (written) => {
    expect(parsePlatform(written)).toBeUndefined();
  },
);

test("a machine's own is told in Go's words", () => {
  expect(["x64", "arm64", "arm", "ia32"].map((name) => formatPlatform(hostPlatform(name)))).toEqual([
    "linux/amd64",
    "linux/arm64",
    "linux/arm/v7",
    "linux/386",
  ]);
});
