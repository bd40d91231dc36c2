import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { sortDiagnostics } from "../../../src/kubefile/diagnostic.ts";
import { diagnosticRecords, formatDiagnostics } from "../../../src/kubefile/format-diagnostics.ts";
import { instructionKinds } from "../../../src/kubefile/instruction-kinds.ts";
import { checkKubefile } from "../../../src/kubefile/lint.ts";
import { physicalLines } from "../../../src/kubefile/logical-line.ts";
import { parseKubefile } from "../../../src/kubefile/parser.ts";
import { createContext } from "./context-directory.ts";

const line = fc.tuple(
  fc.constantFrom(...instructionKinds, "copy", "WORKDIR", "#", "", "&&", "# escape="),
  fc.array(
    fc.constantFrom(
      "a",
      "a=b",
      '["a", "b"]',
      "[a]",
      "--chmod=1",
      "--x",
      "<<EOF",
      "EOF",
      "$X",
      "${",
      "'",
      '"',
      "\\",
      "`",
      "..",
      "local://a",
      "kubectl apply -f a",
      "\t",
      "\u00a0",
      "\ud83d\ude80",
    ),
    { maxLength: 5 },
  ),
  fc.constantFrom("\n", "\r\n", "\\\n", "\\ \r\n", "\n\n", ""),
);
const likely = fc
  .array(line, { maxLength: 12 })
  .map((lines) => lines.map(([keyword, words, end]) => `${keyword} ${words.join(" ")}${end}`).join(""));
const anything = fc.oneof(likely, fc.string({ unit: "binary", maxLength: 300 }), fc.string({ maxLength: 300 }));

describe("of any text", () => {
  test("something is said, in order, about places that exist", () => {
    fc.assert(
      fc.property(anything, (text) => {
        const { diagnostics } = checkKubefile(text, "Kubefile", { unsupported: "error" });
        expect(diagnostics).toEqual(sortDiagnostics(diagnostics));
        const lines = physicalLines(text);
        for (const { span } of diagnostics) expectWithin(span, lines);
        const shown = formatDiagnostics(diagnostics, text, "Kubefile", { color: false });
        expect(shown.split("\n").filter((part) => part.startsWith("Kubefile:"))).toHaveLength(diagnostics.length);
        expect(/[^\n\P{Cc}]/u.test(shown)).toBe(false);
        expect(diagnosticRecords(diagnostics, "Kubefile")).toHaveLength(diagnostics.length);
      }),
      { numRuns: 500 },
    );
  });

  test("every node lies where its text was written", () => {
    fc.assert(
      fc.property(anything, (text) => {
        const { kubefile } = parseKubefile(text, "Kubefile");
        const lines = physicalLines(text);
        for (const instruction of kubefile.instructions) {
          expectWithin(instruction.span, lines);
          const { start, end } = instruction.keywordSpan;
          expect(lines[start.line - 1]?.slice(start.column - 1, end.column - 1).toUpperCase()).toBe(instruction.kind);
        }
        for (const { span } of kubefile.invalid) expectWithin(span, lines);
      }),
      { numRuns: 500 },
    );
  });
});

const value = fc.string({ unit: "grapheme" }).filter((text) => !/[\p{Cc}\p{Zl}\p{Zp}\uFFFD]/u.test(text));

describe("round trips", () => {
  test("quoted values of LABEL", () => {
    fc.assert(
      fc.property(fc.array(value, { minLength: 1, maxLength: 4 }), (values) => {
        const pairs = values.map((text, index) => `l${index}="${text.replace(/["\\$]/g, "\\$&")}"`);
        const { kubefile, diagnostics } = parseKubefile(`FROM scratch\nLABEL ${pairs.join(" \\\n  ")}\n`, "Kubefile");
        const label = kubefile.instructions[1];
        expect(diagnostics.filter(({ severity }) => severity === "error")).toEqual([]);
        expect(label?.kind === "LABEL" && label.pairs.map((pair) => pair.value.text)).toEqual(values);
      }),
    );
  });

  test("JSON lists of commands, each with the place of each character", () => {
    fc.assert(
      fc.property(
        fc.array(
          value.filter((text) => text.trim() !== ""),
          { minLength: 1, maxLength: 4 },
        ),
        (commands) => {
          const source = `CMD ${JSON.stringify(commands)}`;
          const { kubefile } = parseKubefile(`FROM scratch\n${source}\n`, "Kubefile");
          const cmd = kubefile.instructions[1];
          if (cmd?.kind !== "CMD") throw new Error("no CMD");
          expect(cmd.commands.map(({ text }) => text)).toEqual(commands);
          for (const { span } of cmd.commands) {
            expect(commands).toContain(JSON.parse(source.slice(span.start.column - 1, span.end.column - 1)));
          }
        },
      ),
    );
  });

  test("the shell form, continued anywhere", () => {
    const words = fc.array(fc.stringMatching(/^[a-z0-9./-]+$/), { minLength: 1, maxLength: 6 });
    fc.assert(
      fc.property(words, fc.constantFrom(" \\\n ", " \\\n# why\n ", " \\  \r\n ", " "), (parts, glue) => {
        const { kubefile } = parseKubefile(`FROM scratch\nCMD x ${parts.join(glue)}\n`, "Kubefile");
        const cmd = kubefile.instructions[1];
        expect(cmd?.kind === "CMD" && cmd.commands[0]?.text.split(/ +/)).toEqual(["x", ...parts]);
      }),
    );
  });
});

test("long and deep input is read in time that grows with its length", () => {
  const inputs = [
    `CMD ${"a ".repeat(200_000)}`,
    `LABEL ${"a=${X:-".repeat(50_000)}`,
    `CMD [${'"a",'.repeat(100_000)}"a"]`,
    `CMD ${"[".repeat(100_000)}`,
    `LABEL a=${'"'.repeat(100_001)}`,
    `KUBEVERSION ${"1-1".repeat(50_000)}!`,
    `RUN ${"<<A ".repeat(2_000)}`,
    "RUN a \\\n".repeat(50_000),
    `FROM ${"a-".repeat(50_000)}!`,
    `COPY ${"--chown=a ".repeat(20_000)}`,
    "RUN <<E\n".repeat(40_000),
    Array.from({ length: 40_000 }, (_, number) => `COPY <<-E${number} a\n`).join(""),
  ];
  for (const input of inputs) expect(parseKubefile(`FROM scratch\n${input}\n`, "Kubefile").kubefile).toBeDefined();
});

test("many instructions are checked in time that grows with their number", () => {
  using context = createContext([]);
  const text = `FROM scratch\n${"RUN a\n".repeat(200_000)}CMD b\n`;
  expect(checkKubefile(text, "Kubefile", { context, unsupported: "error" }).diagnostics).toEqual([]);
  // A second here; with the square of the number it would be hours.
}, 120_000);

test("many variables are checked in time that grows with their number", () => {
  const lines = Array.from({ length: 30_000 }, (_, number) => `ENV NAME${number}=$NAMES${number}\n`);
  const { diagnostics } = checkKubefile(`FROM scratch\n${lines.join("")}CMD b\n`, "Kubefile", { unsupported: "error" });
  expect(diagnostics).toHaveLength(30_000);
  expect(diagnostics.filter(({ hint }) => hint?.startsWith("did you mean"))).not.toEqual([]);
}, 30_000);

function expectWithin(
  span: { start: { line: number; column: number }; end: { line: number; column: number } },
  lines: readonly string[],
): void {
  for (const { line: number, column } of [span.start, span.end]) {
    expect(number).toBeGreaterThanOrEqual(1);
    expect(number).toBeLessThanOrEqual(lines.length);
    expect(column).toBeGreaterThanOrEqual(1);
    expect(column).toBeLessThanOrEqual((lines[number - 1] ?? "").length + 1);
  }
  expect(span.end.line * 1e6 + span.end.column).toBeGreaterThanOrEqual(span.start.line * 1e6 + span.start.column);
}
