import { expect, test } from "vitest";
import { detectAppType } from "../../../src/kubefile/app-type.ts";
import { linkEscapes, walkContext } from "../../../src/kubefile/context-files.ts";
import { nearest, nearestPath } from "../../../src/kubefile/nearest.ts";
import { parseKubefile } from "../../../src/kubefile/parser.ts";
import { rootfsPathsOf } from "../../../src/kubefile/rootfs-paths.ts";
import { matchWildcard } from "../../../src/kubefile/wildcard.ts";
import { createContext } from "./context-directory.ts";

test("a walk names links and does not follow them", () => {
  using context = createContext([
    "a/b.yaml",
    "a/loop -> ..",
    "a/file -> b.yaml",
    "empty/",
    "gone -> nowhere",
    "self -> self",
  ]);
  expect(
    [...walkContext(context, ".")].map(({ path, kind, link }) => `${kind} ${path}${link ? ` -> ${link}` : ""}`),
  ).toEqual([
    "directory .",
    "directory a",
    "file a/b.yaml",
    "file a/file -> b.yaml",
    "directory a/loop -> ..",
    "directory empty",
    "file gone -> nowhere",
    "file self -> self",
  ]);
});

test.each([
  ["a/b", "c", false],
  ["a/b", "../c", false],
  ["a/b", "../../c", true],
  ["b", "..", true],
  ["b", "/etc", true],
] as const)("link %s to %s leads out: %s", (link, target, expected) => {
  expect(linkEscapes(link, target)).toBe(expected);
});

test.each([
  ["*.yaml", ["a.yaml", "b.yaml"]],
  ["?.yaml", ["a.yaml", "b.yaml"]],
  ["[ac]*.y*l", ["a.yaml"]],
  ["[^a].yaml", ["b.yaml"]],
  ["[b-z].yaml", ["b.yaml"]],
  ["d/*/x", ["d/one/x", "d/two/x"]],
  ["d*", ["d"]],
  ["d/./*", ["d/one", "d/two"]],
  ["\\*.yaml", []],
  ["[a.yaml", []],
  ["**", ["a.yaml", "b.yaml", "d"]],
  [`${"*a".repeat(40)}b`, []],
] as const)("pattern %s", (pattern, expected) => {
  using context = createContext(["a.yaml", "b.yaml", "d/one/x", "d/two/x"]);
  expect(matchWildcard(context, pattern)).toEqual(expected);
});

const trees: readonly {
  kubefile: string;
  expected: readonly string[];
  isOpen?: boolean;
  opaque?: readonly string[];
}[] = [
  { kubefile: "COPY etc .", expected: ["etc", "etc/a.yaml", "etc/sub", "etc/sub/b.yaml"] },
  { kubefile: "COPY etc/ .", expected: [".", "a.yaml", "sub", "sub/b.yaml"] },
  { kubefile: "COPY etc/* .", expected: ["a.yaml", "sub", "sub/b.yaml"] },
  { kubefile: "COPY etc/a.yaml x", expected: ["x"] },
  { kubefile: "COPY etc/sub x\nCOPY etc/a.yaml x", expected: ["x", "x/a.yaml", "x/b.yaml"] },
  { kubefile: "ARG D=etc\nENV E=$D/sub\nCOPY $E deep/er", expected: ["deep", "deep/er", "deep/er/b.yaml"] },
  {
    kubefile: "APP a local://etc/sub",
    expected: ["application", "application/apps", "application/apps/a", "application/apps/a/b.yaml"],
  },
  { kubefile: "COPY $NONE .", expected: [], isOpen: true },
  { kubefile: "RUN true", expected: [], isOpen: true },
  { kubefile: "COPY none .\nCOPY gone to/it", expected: [], opaque: ["none", "to/it"] },
  { kubefile: "ADD c.tgz x/", expected: ["x", "x/c.tgz"], opaque: ["x"] },
  { kubefile: "COPY links .", expected: ["links", "links/etc"], opaque: ["links/etc"] },
];

test.each(trees)("rootfs of $kubefile", ({ kubefile, expected, isOpen = false, opaque = [] }) => {
  using context = createContext(["etc/a.yaml", "etc/sub/b.yaml", "c.tgz", "links/etc -> ../etc"]);
  const rootfs = rootfsPathsOf(parseKubefile(`FROM scratch\n${kubefile}\n`, "Kubefile").kubefile, context);
  expect([...rootfs.paths.keys()].sort()).toEqual(expected);
  expect([rootfs.isOpen, [...rootfs.opaque]]).toEqual([isOpen, opaque]);
});

test.each([
  [["Chart.yaml", "templates/a.yaml", "values.yaml"], "helm"],
  [["shop-1.0.tgz"], "helm"],
  [["a.yaml", "b/c.yml", "d.json", "README.md"], "kube"],
  [["Chart.yaml"], "kube"],
  [["a.sh", "b.sh"], "shell"],
  [["a.sh", "b.yaml"], undefined],
  [["README.md"], undefined],
  [[], undefined],
] as const)("%j is of type %s", (files, expected) => {
  expect(detectAppType(files)).toBe(expected);
});

test("near is what a slip of the fingers makes", () => {
  expect(nearest("dashbord", ["dashboard", "board"])).toBe("dashboard");
  expect(nearest("COPPY", ["CMD", "COPY"])).toBe("COPY");
  expect(nearest("RNU", ["RUN", "ENV"])).toBe("RUN");
  expect(nearest("x", ["shop", "y", "z"])).toBe("y");
  expect(nearest("monitoring", ["shop"])).toBeUndefined();
  expect(nearest("a".repeat(100_000), ["a".repeat(100_001)])).toBeUndefined();
  expect(nearestPath("shop.yaml", ["b/c/shop.yaml", "a/shop.yaml"])).toBe("a/shop.yaml");
});
