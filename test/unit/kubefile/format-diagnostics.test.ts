import { expect, test } from "vitest";
import type { Diagnostic } from "../../../src/kubefile/diagnostic.ts";
import { countDiagnostics, diagnosticRecords, formatDiagnostics } from "../../../src/kubefile/format-diagnostics.ts";
import { checkKubefile } from "../../../src/kubefile/lint.ts";

function format(text: string, color = false): string {
  const { diagnostics } = checkKubefile(text, "Kubefile", { unsupported: "error" });
  return formatDiagnostics(diagnostics, text, "Kubefile", { color });
}

test("place, code, message, line, marks and hint", () => {
  expect(format("FROM scratch\n\tCOPPY etc .\nAPP a local://a\nAPP b local://b\nLAUNCH [a, b]\n")).toBe(`\
Kubefile:2:2: error[unknown-instruction]: "COPPY" is not an instruction
2 |  COPPY etc .
  |  ^^^^^
  = hint: did you mean "COPY"?

Kubefile:5:8: error[unquoted-json]: the list of LAUNCH is not JSON: each element needs double quotes
5 | LAUNCH [a, b]
  |        ^^^^^^
  = hint: write ["a", "b"]
`);
});

test("marks of several lines end with the first", () => {
  expect(format("FROM scratch\nCMDS [kubectl, \\\n  apply]\n")).toBe(`\
Kubefile:2:6: error[unquoted-json]: the list of CMDS is not JSON: each element needs double quotes
2 | CMDS [kubectl, \\
  |      ^^^^^^^^^^^
  = hint: write ["kubectl", "apply"]
`);
});

test("of a long line the part around the problem is shown", () => {
  const shown = format(`FROM scratch\nLABEL ${"a=b ".repeat(100)}c ${"d=e ".repeat(100)}\nCMD true\n`);
  const [, source = "", marks = ""] = shown.split("\n");
  expect(source.length).toBeLessThan(140);
  expect(source.slice(marks.indexOf("^"), marks.indexOf("^") + 2)).toBe("c ");
});

test("a terminal is told nothing by the file", () => {
  expect(format("FROM scratch\n\u001b[31mRUN\u202e x\nCMD \u009b1m\n")).not.toMatch(/[^\n\P{Cc}]|\p{Bidi_Control}/u);
});

test("colours surround, they do not change", () => {
  const text = "FROM scratch\nWORKDIR x\n";
  const colored = format(text, true);
  expect(colored).toContain("\u001b[31merror[dockerfile-instruction]\u001b[0m");
  // biome-ignore lint/suspicious/noControlCharactersInRegex: colour codes begin with one
  expect(colored.replace(/\u001b\[\d+m/g, "")).toBe(format(text));
});

test("no diagnostics, no text", () => {
  expect(format("FROM scratch\nCMD true\n")).toBe("");
  expect(countDiagnostics([])).toBe("");
});

test("records are plain data, sorted by place", () => {
  const { diagnostics } = checkKubefile("FROM scratch\nWORKDIR x\nENV a-b=1\n", "x/Kubefile", { unsupported: "error" });
  expect(diagnosticRecords([...diagnostics].reverse(), "x/Kubefile")).toEqual([
    {
      file: "x/Kubefile",
      line: 2,
      column: 1,
      endLine: 2,
      endColumn: 8,
      severity: "error",
      code: "dockerfile-instruction",
      message: "a Kubefile has no WORKDIR",
      hint: "write the path in COPY and CMD; everything is relative to the root of the cluster image",
    },
    expect.objectContaining({ line: 3, column: 1, severity: "warning", code: "no-launch" }),
    expect.objectContaining({ line: 3, column: 5, severity: "warning", code: "invalid-name" }),
  ]);
});

test("counting", () => {
  const span = { start: { line: 1, column: 1 }, end: { line: 1, column: 1 } };
  const of = (severity: Diagnostic["severity"]): Diagnostic => ({ severity, code: "no-launch", message: "", span });
  expect(countDiagnostics([of("error"), of("info"), of("error"), of("warning")])).toBe("2 errors, 1 warning, 1 note");
});
