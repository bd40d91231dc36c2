import { readApp, readAppCmds, readAppEnv } from "./app-instructions.ts";
import type { Arguments } from "./arguments.ts";
import { readCmd, readCmds, readLaunch, readRun } from "./command-instructions.ts";
import { type Diagnostic, type Report, sortDiagnostics } from "./diagnostic.ts";
import { checkEncoding } from "./encoding.ts";
import { readAdd, readCopy, readFrom } from "./file-instructions.ts";
import { readFlags } from "./flags.ts";
import type { Instruction, InvalidInstruction, Kubefile, Stage } from "./instruction.ts";
import { instructionKinds } from "./instruction-kinds.ts";
import { type LogicalLine, physicalLines, readLogicalLines } from "./logical-line.ts";
import { slice, spanOf, trim } from "./mapped-text.ts";
import { unknownInstruction } from "./unknown-instruction.ts";
import { readArg, readEnv, readKubeVersion, readLabel, readMaintainer } from "./value-instructions.ts";
import type { WordOptions } from "./word.ts";

export interface ParseResult {
  readonly kubefile: Kubefile;
  /** Sorted by place. What only the whole file or the build context can tell is for `lintKubefile`. */
  readonly diagnostics: readonly Diagnostic[];
}

/**
 * Reads a Kubefile: sealer's seventeen instructions in the lexical form of a Dockerfile. Never throws: what cannot be
 * read is reported and left out, and reading goes on with the next instruction.
 */
export function parseKubefile(text: string, file: string): ParseResult {
  const diagnostics: Diagnostic[] = [];
  const report: Report = (diagnostic) => diagnostics.push(diagnostic);
  const physical = physicalLines(text);
  const noText = checkEncoding(physical, report);
  const { lines, escape: escapeCharacter } = readLogicalLines(noText === undefined ? physical : [], report);
  const instructions: Instruction[] = [];
  const invalid: InvalidInstruction[] = noText === undefined ? [] : [{ keyword: "", span: noText }];
  for (const line of lines) {
    const instruction = readInstruction(line, { escape: escapeCharacter, report });
    if ("keyword" in instruction) invalid.push(instruction);
    else instructions.push(instruction);
  }
  const kubefile = { file, text, escape: escapeCharacter, instructions, invalid, stages: stagesOf(instructions) };
  return { kubefile, diagnostics: sortDiagnostics(diagnostics) };
}

function readInstruction(line: LogicalLine, options: WordOptions): Instruction | InvalidInstruction {
  const written = /^\S+/.exec(line.text)?.[0] ?? "";
  const keyword = written.toUpperCase();
  const keywordSpan = spanOf(line, 0, written.length);
  const invalid = { keyword, span: spanOf(line, 0, line.text.length) };
  const kind = instructionKinds.find((name) => name === keyword);
  if (kind === undefined) {
    options.report(unknownInstruction(written, keywordSpan));
    return invalid;
  }
  const { flags, rest } = readFlags(kind, trim(slice(line, written.length)), options);
  return readArguments({ kind, line, rest, flags, keywordSpan, options, report: options.report }) ?? invalid;
}

function readArguments(common: Arguments): Instruction | undefined {
  const { kind } = common;
  switch (kind) {
    case "FROM":
      return readFrom({ ...common, kind });
    case "COPY":
      return readCopy({ ...common, kind });
    case "ADD":
      return readAdd({ ...common, kind });
    case "ARG":
      return readArg({ ...common, kind });
    case "ENV":
      return readEnv({ ...common, kind });
    case "RUN":
      return readRun({ ...common, kind });
    case "LABEL":
      return readLabel({ ...common, kind });
    case "MAINTAINER":
      return readMaintainer({ ...common, kind });
    case "APP":
    case "CNI":
    case "CSI":
      return readApp({ ...common, kind });
    case "APPCMDS":
      return readAppCmds({ ...common, kind });
    case "APPENV":
      return readAppEnv({ ...common, kind });
    case "KUBEVERSION":
      return readKubeVersion({ ...common, kind });
    case "LAUNCH":
      return readLaunch({ ...common, kind });
    case "CMD":
      return readCmd({ ...common, kind });
    case "CMDS":
      return readCmds({ ...common, kind });
    default:
      return kind satisfies never;
  }
}

function stagesOf(instructions: readonly Instruction[]): readonly Stage[] {
  const starts = instructions.flatMap((instruction, index) =>
    instruction.kind === "FROM" ? [{ from: instruction, index }] : [],
  );
  return starts.map(({ from, index }, position) => ({
    from,
    instructions: instructions.slice(index + 1, starts[position + 1]?.index),
    ...(from.stage === undefined ? {} : { name: from.stage.text.toLowerCase() }),
  }));
}
