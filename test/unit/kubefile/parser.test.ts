import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { diagnosticCodes } from "../../../src/kubefile/diagnostic.ts";
import { instructionKinds } from "../../../src/kubefile/instruction-kinds.ts";
import type { Span } from "../../../src/kubefile/mapped-text.ts";
import { parseKubefile } from "../../../src/kubefile/parser.ts";
import { badInputs } from "./bad-input.ts";

test("words know where they stand, behind flags, continuations and in JSON", () => {
  const text = [
    "FROM --platform=linux/amd64 scratch AS base",
    "COPY --chmod=0644 a \\",
    "  # the second",
    "  'b c' d/",
    'CMD ["x", "\\u0041\\n\\"y\\""]',
  ].join("\n");
  const { kubefile, diagnostics } = parseKubefile(text, "Kubefile");
  expect(diagnostics).toEqual([]);
  const [from, copy, cmd] = kubefile.instructions;
  if (from?.kind !== "FROM" || copy?.kind !== "COPY" || cmd?.kind !== "CMD") throw new Error("not read");
  expect([from.platform, from.image, from.stage].map((word) => word && `${word.text} ${at(word.span)}`)).toEqual([
    "linux/amd64 1:17-1:28",
    "scratch 1:29-1:36",
    "base 1:40-1:44",
  ]);
  expect(copy.sources.map(({ text, raw, span }) => `${text} ${raw} ${at(span)}`)).toEqual([
    "a a 2:19-2:20",
    "b c 'b c' 4:3-4:8",
  ]);
  expect([at(copy.span), at(copy.keywordSpan), at(copy.destination.span)]).toEqual(["2:1-4:11", "2:1-2:5", "4:9-4:11"]);
  expect(copy.text).toBe("COPY --chmod=0644 a   'b c' d/");
  expect(cmd.commands.map(({ text, span }) => `${text} ${at(span)}`)).toEqual(["x 5:6-5:9", 'A\n"y" 5:11-5:26']);
});

test("stages: arguments before the first FROM belong to none", () => {
  const { kubefile } = parseKubefile(
    "ARG A=1\nFROM scratch AS One\nCOPY a b\nFROM scratch\nCMD x\nCMD y\n",
    "Kubefile",
  );
  expect(
    kubefile.stages.map(({ name, from, instructions }) => [name, from.span.start.line, instructions.length]),
  ).toEqual([
    ["one", 2, 1],
    [undefined, 4, 2],
  ]);
});

test("here-documents are kept with what their instruction needs to know", () => {
  const text = 'FROM scratch\nCOPY <<a.txt <<-"b.txt" dir/\n$X\na.txt\n\tliteral\n\tb.txt\nCMD ls\n';
  const { kubefile, diagnostics } = parseKubefile(text, "Kubefile");
  const [, copy, cmd] = kubefile.instructions;
  expect(diagnostics).toEqual([]);
  expect(copy).toMatchObject({ kind: "COPY", sources: [], destination: { text: "dir/" } });
  expect(copy?.heredocs.map(({ span, ...rest }) => ({ ...rest, at: at(span) }))).toEqual([
    { name: "a.txt", expand: true, stripTabs: false, content: "$X\n", at: "2:6-2:13" },
    { name: "b.txt", expand: false, stripTabs: true, content: "literal\n", at: "2:14-2:24" },
  ]);
  expect(cmd?.kind).toBe("CMD");
});

test.each(["RUN echo $((1 << 2))", "RUN cat <<<word", "RUN echo '<<EOF'", 'RUN ["cat", "<<EOF"]', "CMD cat <<EOF"])(
  "%s announces no here-document",
  (line) => {
    const { kubefile } = parseKubefile(`FROM scratch\n${line}\nCMD true\n`, "Kubefile");
    expect(kubefile.instructions.map(({ heredocs }) => heredocs.length)).toEqual([0, 0, 0]);
  },
);

test("the old form of ENV takes the rest of the line", () => {
  const { kubefile } = parseKubefile('FROM scratch\nENV GREETING hello  "dear world" a=b\n', "Kubefile");
  expect(kubefile.instructions[1]).toMatchObject({
    pairs: [{ name: { text: "GREETING" }, value: { text: "hello  dear world a=b" } }],
  });
});

test("what cannot be read is kept apart, and reading goes on", () => {
  const { kubefile } = parseKubefile("FORM scratch\ncopy\nLAUNCH [a]\nCMD true\n", "Kubefile");
  expect(kubefile.invalid.map(({ keyword, span }) => `${keyword} ${at(span)}`)).toEqual([
    "FORM 1:1-1:13",
    "COPY 2:1-2:5",
    "LAUNCH 3:1-3:11",
  ]);
  expect(kubefile.instructions.map(({ kind }) => kind)).toEqual(["CMD"]);
});

const reference = readFileSync(new URL("../../../docs/kubefile.md", import.meta.url), "utf8");

test("the reference has a section for each instruction", () => {
  const sections = [...reference.matchAll(/^### (.+)$/gm)].flatMap(([, title = ""]) => title.split(/, | and /));
  expect(sections.filter((title) => /^[A-Z]+$/.test(title)).sort()).toEqual([...instructionKinds].sort());
});

test("the reference lists each diagnostic, with the words of the source", () => {
  const [, diagnostics = ""] = reference.split(/^## Diagnostics$/m);
  const rows = [...diagnostics.matchAll(/^\| `([a-z-]+)` \| (.+) \|$/gm)].map(([, code, text]) => [code, text]);
  expect(rows).toEqual(Object.entries(diagnosticCodes));
});

test("each diagnostic is in the table of bad input", () => {
  const shown = badInputs.flatMap(({ expected }) => expected).join("\n");
  expect(Object.keys(diagnosticCodes).filter((code) => !shown.includes(`[${code}]`))).toEqual([]);
});

function at({ start, end }: Span): string {
  return `${start.line}:${start.column}-${end.line}:${end.column}`;
}
