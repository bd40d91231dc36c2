import fc from "fast-check";
import { expect, test } from "vitest";
import { type CopyOperand, destinationOf, rootfsPath } from "../../../src/kubefile/copy-rule.ts";

const alone = { destinationIsDirectory: false, sourceCount: 1 };

const directories: readonly [source: string, destination: string, path: string, contents: boolean][] = [
  ["etc", ".", "etc", false],
  ["etc", "./", "etc", false],
  ["etc", "/", "etc", false],
  ["./etc", ".", "etc", false],
  ["deploy/etc", "/", "etc", false],
  ["etc/", ".", ".", true],
  ["etc/.", ".", ".", true],
  [".", ".", ".", true],
  ["./", "/", ".", true],
  ["/", ".", ".", true],
  ["a/..", ".", ".", true],
  ["etc", "etc", "etc", true],
  ["registry", "./registry", "registry", true],
  ["charts/shop", "charts/", "charts", true],
  ["vim/", "/opt/vim/", "opt/vim", true],
  [".", "manifests", "manifests", true],
];

test.each(directories)("directory %s to %s", (source, destination, path, contents) => {
  expect(destinationOf({ source, sourceIsDirectory: true, destination, ...alone })).toEqual({ path, contents });
});

const files: readonly [source: string, destination: string, more: Partial<CopyOperand>, path: string][] = [
  ["a.yaml", ".", {}, "a.yaml"],
  ["etc/a.yaml", "/", {}, "a.yaml"],
  ["etc/a.yaml", "b.yaml", {}, "b.yaml"],
  ["etc/a.yaml", "manifests/", {}, "manifests/a.yaml"],
  ["etc/a.yaml", "manifests/.", {}, "manifests/a.yaml"],
  ["etc/a.yaml", "manifests", {}, "manifests"],
  ["etc/a.yaml", "manifests", { destinationIsDirectory: true }, "manifests/a.yaml"],
  ["etc/a.yaml", "manifests", { sourceCount: 2 }, "manifests/a.yaml"],
];

test.each(files)("file %s to %s %j", (source, destination, more, path) => {
  const operand = { source, sourceIsDirectory: false, destination, ...alone, ...more };
  expect(destinationOf(operand)).toEqual({ path, contents: false });
});

test("nothing leaves the rootfs, whatever is written", () => {
  const written = fc.string({ unit: fc.constantFrom("a", "b", ".", "/", " ") });
  fc.assert(
    fc.property(
      written,
      written,
      fc.boolean(),
      fc.boolean(),
      fc.integer({ min: 1, max: 3 }),
      (source, destination, ...rest) => {
        const [sourceIsDirectory, destinationIsDirectory, sourceCount] = rest;
        const { path } = destinationOf({ source, sourceIsDirectory, destination, destinationIsDirectory, sourceCount });
        expect(path === "." || !/^\/|\/$|(^|\/)\.{1,2}(\/|$)|\/\//.test(path)).toBe(true);
        expect(rootfsPath(path)).toBe(path);
      },
    ),
  );
});
