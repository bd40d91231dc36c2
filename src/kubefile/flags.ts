import { quoted, type Report } from "./diagnostic.ts";
import { isPattern } from "./ignore-file.ts";
import type { Flag } from "./instruction.ts";
import type { InstructionKind } from "./instruction-kinds.ts";
import { type MappedText, slice, spanOf } from "./mapped-text.ts";
import { didYouMean, nearest } from "./nearest.ts";
import { firstWritten, shellWord, type WordOptions } from "./word.ts";

/** Every flag an instruction may have; the others have none. What is done with one is decided by its reader. */
const flagNames: Partial<Record<InstructionKind, readonly string[]>> = {
  FROM: ["platform"],
  COPY: ["from", "chown", "chmod", "link", "parents", "exclude"],
  ADD: ["chown", "chmod", "link", "checksum", "keep-git-dir", "unpack", "exclude"],
  RUN: ["mount", "network", "security", "secret"],
};

const needsNoValue: readonly string[] = ["link", "parents", "keep-git-dir", "unpack"];

/** Takes the leading `--name[=value]` words off the arguments; a bare `--` ends them. */
export function readFlags(
  kind: InstructionKind,
  rest: MappedText,
  options: WordOptions,
): { flags: readonly Flag[]; rest: MappedText } {
  const flags: Flag[] = [];
  let remaining = rest;
  while (remaining.text.startsWith("--")) {
    const written = firstWritten(remaining, options.escape);
    if (written === undefined) break;
    remaining = trimStart(slice(remaining, written.text.length));
    if (written.text === "--") break;
    const flag = readFlag(written, options);
    checkFlag(kind, flag, options.report);
    flags.push(flag);
  }
  return { flags, rest: remaining };
}

export function flagValue(flags: readonly Flag[], name: string): Flag["value"] {
  return flags.findLast((flag) => flag.name === name)?.value;
}

/** Of a flag that needs no value: whether it is there, and not `=false`. */
export function flagIsSet(flags: readonly Flag[], name: string): boolean {
  const flag = flags.findLast((each) => each.name === name);
  return flag !== undefined && flag.value?.text.toLowerCase() !== "false";
}

function readFlag(written: MappedText, options: WordOptions): Flag {
  const equals = written.text.indexOf("=");
  const nameEnd = equals < 0 ? written.text.length : equals;
  const name = written.text.slice(2, nameEnd).toLowerCase();
  const span = spanOf(written, 0, written.text.length);
  return equals < 0 ? { name, span } : { name, value: shellWord(slice(written, equals + 1), options), span };
}

function checkFlag(kind: InstructionKind, flag: Flag, report: Report): void {
  const known = flagNames[kind] ?? [];
  if (!known.includes(flag.name)) {
    const all = known.map((name) => `--${name}`);
    const hint =
      didYouMean(nearest(`--${flag.name}`, all)) ??
      (all.length === 0 ? `${kind} has no flags` : `${kind} has ${all.join(", ")}`);
    report({
      severity: "error",
      code: "unknown-flag",
      message: `${kind} has no flag ${quoted(`--${flag.name}`)}`,
      hint,
      span: flag.span,
    });
  } else if (!needsNoValue.includes(flag.name) && (flag.value === undefined || flag.value.raw === "")) {
    report({
      severity: "error",
      code: "invalid-flag",
      message: `--${flag.name} needs a value`,
      hint: `write --${flag.name}=VALUE, without spaces around the =`,
      span: flag.span,
    });
  } else if (needsNoValue.includes(flag.name) && !/^(?:true|false)?$/i.test(flag.value?.text ?? "")) {
    report({
      severity: "error",
      code: "invalid-flag",
      message: `--${flag.name}=${flag.value?.text ?? ""} is neither true nor false`,
      hint: `write --${flag.name}`,
      span: flag.span,
    });
  } else if (flag.name === "exclude" && flag.value?.parts.length === 1 && !isPattern(flag.value.text)) {
    report({
      severity: "error",
      code: "invalid-flag",
      message: `--exclude=${flag.value.text} is a malformed pattern`,
      hint: "close every [ with ], write \\[ for the character itself, and a path after !",
      span: flag.value.span,
    });
  } else if (
    flag.name === "chmod" &&
    flag.value?.parts.length === 1 &&
    !/^(?:[0-7]{3,4}|\$.*)$/.test(flag.value.text)
  ) {
    report({
      severity: "error",
      code: "invalid-flag",
      message: `--chmod=${flag.value.text} is not a file mode`,
      hint: "write it in octal, such as --chmod=0755",
      span: flag.value.span,
    });
  }
}

function trimStart(text: MappedText): MappedText {
  return slice(text, text.text.length - text.text.trimStart().length);
}
