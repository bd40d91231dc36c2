import { type Arguments, base, extra, listOrWords, missing } from "./arguments.ts";
import { quoted } from "./diagnostic.ts";
import { flagValue } from "./flags.ts";
import { checkImage } from "./image-name.ts";
import type { AddInstruction, CopyInstruction, FromInstruction } from "./instruction.ts";
import type { Span } from "./mapped-text.ts";
import { splitWords, type Word } from "./word.ts";

export function readFrom(input: Arguments<"FROM">): FromInstruction | undefined {
  const [image, as, stage, ...more] = splitWords(input.rest, input.options);
  if (image === undefined) return missing(input, "FROM needs an image", "write FROM scratch");
  if (as !== undefined && as.text.toUpperCase() !== "AS") extra(input, as, "write FROM IMAGE, or FROM IMAGE AS NAME");
  else if (as !== undefined && stage === undefined)
    missing(input, "FROM ... AS needs a name", "write FROM IMAGE AS NAME");
  else if (more[0] !== undefined) extra(input, more[0], "write FROM IMAGE, or FROM IMAGE AS NAME");
  checkImage(image, input.report);
  const platform = flagValue(input.flags, "platform");
  if (stage !== undefined && as?.text.toUpperCase() === "AS") checkStageName(input, stage);
  return {
    ...base(input),
    image,
    ...(platform === undefined ? {} : { platform }),
    ...(stage === undefined ? {} : { stage }),
  };
}

export function readCopy(input: Arguments<"COPY">): CopyInstruction | undefined {
  const operands = readOperands(input);
  return operands === undefined ? undefined : { ...base(input), ...operands };
}

export function readAdd(input: Arguments<"ADD">): AddInstruction | undefined {
  const operands = readOperands(input);
  return operands === undefined ? undefined : { ...base(input), ...operands };
}

function readOperands(input: Arguments): { sources: readonly Word[]; destination: Word } | undefined {
  const words = listOrWords(input);
  if (words === undefined) return undefined;
  const destination = words.at(-1);
  if (destination === undefined) {
    return missing(input, `${input.kind} needs a source and a destination`, `write ${input.kind} SOURCE DESTINATION`);
  }
  if (words.length === 1) {
    const source = /[\s"']/.test(destination.raw) ? "SOURCE" : destination.raw;
    return missing(input, `${input.kind} has a source but no destination`, `write ${input.kind} ${source} .`);
  }
  const marks = new Set(input.line.heredocs.map(({ span }) => formatStart(span)));
  const isHeredoc = (word: Word): boolean => word.raw.startsWith("<<") && marks.has(formatStart(word.span));
  const empty = words.find((word) => word.text === "");
  if (empty !== undefined) {
    input.report({
      severity: "error",
      code: "missing-argument",
      message: `${input.kind} has an empty path`,
      hint: "write . for the directory itself",
      span: empty.span,
    });
    return undefined;
  }
  return { sources: words.slice(0, -1).filter((word) => !isHeredoc(word)), destination };
}

function formatStart(span: Span): string {
  return `${span.start.line}:${span.start.column}`;
}

function checkStageName(input: Arguments, stage: Word): void {
  if (/^[a-z][a-z0-9_.-]*$/i.test(stage.text) && stage.text.toLowerCase() !== "scratch") return;
  input.report({
    severity: "error",
    code: "invalid-name",
    message: `${quoted(stage.text)} is not a stage name`,
    hint: "start with a letter; letters, digits, dots, dashes and underscores may follow",
    span: stage.span,
  });
}
