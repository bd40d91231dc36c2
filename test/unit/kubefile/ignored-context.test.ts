import { expect, test } from "vitest";
import { directoryContext, walkContext } from "../../../src/kubefile/context-files.ts";
import { parseIgnoreFile } from "../../../src/kubefile/ignore-file.ts";
import { checkKubefile } from "../../../src/kubefile/lint.ts";
import { contextDirectory } from "./context-directory.ts";

const entries = ["etc/a.yaml", "etc/notes.md", "docs/a.md", "docs/deep/b.md", "bad -> /etc", "docs/up -> .."];

test.each([
  ["**/*.md\nbad", [".", "docs", "docs/deep", "docs/up", "etc", "etc/a.yaml"]],
  ["*\n!docs/deep", [".", "docs", "docs/deep", "docs/deep/b.md"]],
  ["*\n!**/b.md", [".", "docs", "docs/deep", "docs/deep/b.md"]],
  ["*\n!nothing\n!docs/none", ["."]],
])("with %j a walk sees %j", (lines, expected) => {
  using directory = contextDirectory(entries);
  const context = directoryContext(directory.path, parseIgnoreFile(lines, ".kubefileignore"));
  expect([...walkContext(context, ".")].map(({ path }) => path)).toEqual(expected);
  for (const path of expected) expect(context.exists(path)).toBeDefined();
  expect([context.exists("etc/notes.md"), context.readLink?.("bad")]).toEqual([undefined, undefined]);
});

test.each([
  ["COPY etc .\nCMD kubectl apply -f etc/a.yaml", []],
  [
    "COPY bad .",
    [
      'the source "bad" of COPY is not in the build context => .kubefileignore:2 leaves it out (bad); write !bad below that line to keep it',
    ],
  ],
  [
    "COPY docs/*.md .",
    [
      'the pattern "docs/*.md" of COPY matches nothing in the build context => .kubefileignore:1 leaves it out (**/*.md); write !docs/a.md below that line to keep it',
    ],
  ],
  ["COPY etx .", ['the source "etx" of COPY is not in the build context => did you mean "etc"?']],
  [
    "COPY etc .\nCMD kubectl apply -f etc/notes.md",
    ['no step creates the path "etc/notes.md" => COPY it from the build context, or make it with RUN'],
  ],
])("the linter on %j", (lines, expected) => {
  using directory = contextDirectory(entries);
  const context = directoryContext(directory.path, parseIgnoreFile("**/*.md\nbad", ".kubefileignore"));
  const { diagnostics } = checkKubefile(`FROM scratch\n${lines}\n`, "Kubefile", { context, unsupported: "error" });
  const errors = diagnostics.filter(({ severity }) => severity === "error");
  expect(errors.map(({ message, hint }) => `${message} => ${hint}`)).toEqual(expected);
});
