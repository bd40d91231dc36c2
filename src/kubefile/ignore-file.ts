import { posix } from "node:path";
import { formatLocation, KubefileError, type Location } from "../error.ts";
import { compileIgnorePattern, type IgnorePattern } from "./ignore-pattern.ts";

/** What an ignore file leaves out of the context. Paths are relative to the context, with slashes, normalised. */
export interface IgnoreRules {
  /** The line that leaves a path out; undefined for one that stays. The context itself always stays. */
  ignoredBy(path: string): IgnoreRule | undefined;
  /** Whether an exception may bring back something below an ignored directory; if not, it need not be walked. */
  mayReincludeBelow(directory: string): boolean;
}

export interface IgnoreRule {
  /** Absent when no line says so: builds write the file, and what they write is no part of them. */
  readonly where: Location | undefined;
  /** The pattern as written. */
  readonly text: string;
}

export const nothingIgnored: IgnoreRules = { ignoredBy: () => undefined, mayReincludeBelow: () => false };

/**
 * Reads an ignore file by Docker's rules: of all lines that match a path or a directory above it, the last decides;
 * a line with `!` brings back. `file` is its name for messages.
 *
 * @throws KubefileError KUBEFILE_INVALID that names every malformed line
 */
export function parseIgnoreFile(text: string, file: string): IgnoreRules {
  const rules: Rule[] = [];
  const malformed: WrittenRule[] = [];
  for (const [index, line] of text
    .replace(/^\ufeff/, "")
    .split("\n")
    .entries()) {
    // Only a # in the first column makes a comment.
    if (line.startsWith("#") || line.trim() === "") continue;
    const rule = { where: { file, line: index + 1 }, text: line.trim() };
    const compiled = compile(rule.text);
    if (compiled === undefined) malformed.push(rule);
    else rules.push({ ...rule, ...compiled });
  }
  const [first] = malformed;
  if (first !== undefined) {
    const lines = malformed.map(({ where, text: shown }) => `line ${where.line}: ${JSON.stringify(shown)}`);
    throw new KubefileError("KUBEFILE_INVALID", `malformed patterns (${lines.join(", ")})`, {
      where: first.where,
      hint: "close every [ with ], write \\[ for the character itself, and a path after !",
    });
  }
  return rulesOf(rules);
}

/**
 * The rules that patterns of `--exclude` make, by the same grammar.
 *
 * @throws KubefileError KUBEFILE_INVALID for a malformed one
 */
export function parseExclusions(patterns: readonly string[]): IgnoreRules {
  return rulesOf(
    patterns.map((text) => {
      const compiled = compile(text.trim());
      if (compiled !== undefined) return { where: undefined, text, ...compiled };
      throw new KubefileError("KUBEFILE_INVALID", `--exclude=${text} is a malformed pattern`, {
        hint: "close every [ with ], write \\[ for the character itself, and a path after !",
      });
    }),
  );
}

export function isPattern(text: string): boolean {
  return compile(text.trim()) !== undefined;
}

/** Undefined for a malformed pattern. */
function compile(text: string): Pick<Rule, "pattern" | "isException"> | undefined {
  const normal = normalForm(text);
  const isException = normal.startsWith("!");
  const pattern =
    normal === "!" || normal === "" ? undefined : compileIgnorePattern(isException ? normal.slice(1) : normal);
  return pattern === undefined ? undefined : { pattern, isException };
}

/** The next step for who misses a path that a line leaves out. */
export function ignoredHint(rule: IgnoreRule, path: string): string {
  if (rule.where === undefined) return "builds write this file, so it is never part of one";
  return `${formatLocation(rule.where)} leaves it out (${rule.text}); write !${path} below that line to keep it`;
}

interface WrittenRule extends IgnoreRule {
  readonly where: Location;
}

interface Rule extends IgnoreRule {
  readonly pattern: IgnorePattern;
  readonly isException: boolean;
}

function rulesOf(rules: readonly Rule[]): IgnoreRules {
  const exceptions = rules.filter(({ isException }) => isException);
  return {
    ignoredBy(path) {
      if (path === "." || path === "") return undefined;
      const last = rules.findLast(({ pattern }) => pattern.matches(path));
      return last === undefined || last.isException ? undefined : last;
    },
    mayReincludeBelow: (directory) => exceptions.some(({ pattern }) => pattern.mayMatchBelow(directory)),
  };
}

/** The pattern as Docker normalises it: a cleaned path without a slash at either end, after the `!` if there is one. */
function normalForm(trimmed: string): string {
  const mark = trimmed.startsWith("!") ? "!" : "";
  const written = trimmed.slice(mark.length).trim();
  if (written === "") return mark;
  const path = cleaned(written).replace(/^\/(?=.)/, "");
  // Cleaning may lay blanks bare, as in `a /`; they go as well.
  return cleaned((mark + path).trim());
}

function cleaned(path: string): string {
  return posix.normalize(path).replace(/(?<=.)\/$/, "");
}
