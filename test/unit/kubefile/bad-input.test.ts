import { expect, test } from "vitest";
import type { ContextFiles } from "../../../src/kubefile/context-files.ts";
import type { Diagnostic } from "../../../src/kubefile/diagnostic.ts";
import { checkKubefile } from "../../../src/kubefile/lint.ts";
import { badInputs } from "./bad-input.ts";
import { createContext } from "./context-directory.ts";

test.each(badInputs)("$name", ({ kubefile, context, unreadable = [], expected }) => {
  using files = context === undefined ? undefined : createContext(context);
  const seen = files === undefined ? {} : { context: without(files, unreadable) };
  const options = { unsupported: "error", ...seen } as const;
  const { diagnostics } = checkKubefile(kubefile.join("\n"), "Kubefile", options);
  expect(diagnostics.map(line)).toEqual(expected);
});

test("the table has no case twice and none without a problem", () => {
  expect(new Set(badInputs.map(({ name }) => name)).size).toBe(badInputs.length);
  expect(badInputs.filter(({ expected }) => expected.length === 0)).toEqual([]);
});

function without(files: ContextFiles, unreadable: readonly string[]): ContextFiles {
  const isUnreadable = (path: string): boolean => unreadable.includes(path);
  return { ...files, isUnreadable, list: (path) => (isUnreadable(path) ? [] : files.list(path)) };
}

function line({ severity, code, message, hint, span }: Diagnostic): string {
  return `${span.start.line}:${span.start.column} ${severity}[${code}]: ${message} => ${hint}`;
}
