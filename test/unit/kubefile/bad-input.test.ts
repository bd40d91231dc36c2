import { expect, test } from "vitest";
import type { Diagnostic } from "../../../src/kubefile/diagnostic.ts";
import { checkKubefile } from "../../../src/kubefile/lint.ts";
import { badInputs } from "./bad-input.ts";
import { createContext } from "./context-directory.ts";

test.each(badInputs)("$name", ({ kubefile, context, expected }) => {
  using files = context === undefined ? undefined : createContext(context);
  const options = { unsupported: "error", ...(files === undefined ? {} : { context: files }) } as const;
  const { diagnostics } = checkKubefile(kubefile.join("\n"), "Kubefile", options);
  expect(diagnostics.map(line)).toEqual(expected);
});

test("the table has no case twice and none without a problem", () => {
  expect(new Set(badInputs.map(({ name }) => name)).size).toBe(badInputs.length);
  expect(badInputs.filter(({ expected }) => expected.length === 0)).toEqual([]);
});

function line({ severity, code, message, hint, span }: Diagnostic): string {
  return `${span.start.line}:${span.start.column} ${severity}[${code}]: ${message} => ${hint}`;
}
