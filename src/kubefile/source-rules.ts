import { posix } from "node:path";
import { type ContextFiles, isOutside, linkEscapes, walkContext } from "./context-files.ts";
import { type Diagnostic, quoted, type Report } from "./diagnostic.ts";
import { expandWord } from "./expand.ts";
import { flagValue } from "./flags.ts";
import { ignoredHint } from "./ignore-file.ts";
import type { AddInstruction, AppInstruction, CopyInstruction, Kubefile } from "./instruction.ts";
import { didYouMean, nearestPath } from "./nearest.ts";
import { contextPath, isRemote, localSource } from "./rootfs-paths.ts";
import { type VisibleVariables, visibleVariables } from "./visible-variables.ts";
import { hasWildcard, matchWildcard } from "./wildcard.ts";
import type { Word } from "./word.ts";

/** Sources and destinations of COPY, ADD, APP, CNI and CSI. Without a context only what the text tells is checked. */
export function checkSources(kubefile: Kubefile, context: ContextFiles | undefined, report: Report): void {
  const variables = visibleVariables();
  for (const instruction of kubefile.instructions) {
    variables.pass(instruction);
    if (instruction.kind === "COPY" || instruction.kind === "ADD") {
      checkCopy(instruction, variables, context, report);
    } else if (instruction.kind === "APP" || instruction.kind === "CNI" || instruction.kind === "CSI") {
      checkApp(instruction, variables, context, report);
    }
  }
}

function checkCopy(
  instruction: CopyInstruction | AddInstruction,
  variables: VisibleVariables,
  context: ContextFiles | undefined,
  report: Report,
): void {
  checkDestination(instruction, variables, report);
  if (flagValue(instruction.flags, "from") !== undefined) return;
  for (const word of instruction.sources) {
    const source = expandWord(word, variables.lookup);
    if (source.unknown.length > 0 || isRemote(source.text)) continue;
    // Which links remain is for the build to tell.
    const isWhole = flagValue(instruction.flags, "exclude") === undefined;
    checkSource(instruction.kind, word, source.text, { context, isWhole }, report);
  }
}

function checkApp(
  instruction: AppInstruction,
  variables: VisibleVariables,
  context: ContextFiles | undefined,
  report: Report,
): void {
  for (const word of instruction.sources) {
    const source = expandWord(word, variables.lookup);
    const local = localSource(source.text);
    if (source.unknown.length === 0 && local !== undefined)
      checkSource(instruction.kind, word, local, { context, isWhole: true }, report);
  }
}

function checkDestination(
  instruction: CopyInstruction | AddInstruction,
  variables: VisibleVariables,
  report: Report,
): void {
  const { destination, sources } = instruction;
  const { text } = expandWord(destination, variables.lookup);
  if (isOutside(text.replace(/^\/+/, ""))) {
    report({
      severity: "error",
      code: "path-escapes",
      message: `the destination ${quoted(text)} leads out of the cluster image`,
      hint: "write it relative to the root of the cluster image, without ..",
      span: destination.span,
    });
  } else if (sources.length > 1 && !/(?:^|\/)\.?$/.test(text)) {
    report({
      severity: "warning",
      code: "destination-not-directory",
      message: `${instruction.kind} has ${sources.length} sources, so ${quoted(text)} is taken for a directory`,
      hint: `write ${text}/`,
      span: destination.span,
    });
  }
}

function checkSource(
  keyword: string,
  word: Word,
  source: string,
  { context, isWhole }: { readonly context: ContextFiles | undefined; readonly isWhole: boolean },
  report: Report,
): void {
  const path = contextPath(source);
  if (isOutside(path)) {
    report({
      severity: "error",
      code: "path-escapes",
      message: `the source ${quoted(source)} of ${keyword} leads out of the build context`,
      hint: "move the file into the context, or build with a directory further up as the context",
      span: word.span,
    });
    return;
  }
  if (context === undefined) return;
  const found = hasWildcard(path) ? matchWildcard(context, path) : [path];
  const obstacles = isWhole ? found.flatMap((match) => [...obstaclesOf(context, match)]) : [];
  for (const obstacle of obstacles.slice(0, MAX_OBSTACLES)) report({ severity: "error", ...obstacle, span: word.span });
  if (obstacles.length > 0) return;
  if (found.length === 0) {
    report({
      severity: "error",
      code: "source-missing",
      message: `the pattern ${quoted(source)} of ${keyword} matches nothing in the build context`,
      hint: exclusionHint(context, path) ?? "* and ? match within one directory; there is no ** here",
      span: word.span,
    });
  } else if (found.some((match) => context.exists(match) === undefined)) {
    report({
      severity: "error",
      code: "source-missing",
      message: `the source ${quoted(source)} of ${keyword} is not in the build context`,
      hint:
        exclusionHint(context, path) ??
        didYouMean(nearestPath(path, pathsOf(context))) ??
        "sources are relative to the build context",
      span: word.span,
    });
  }
}

/** For a source that would be there if it were not ignored. */
function exclusionHint({ unfiltered }: ContextFiles, path: string): string | undefined {
  if (unfiltered === undefined) return undefined;
  const { files, rules } = unfiltered;
  const found = hasWildcard(path) ? matchWildcard(files, path) : [path];
  for (const match of found) {
    const rule = files.exists(match) === undefined ? undefined : rules.ignoredBy(match);
    if (rule !== undefined) return ignoredHint(rule, match);
  }
  return undefined;
}

/** As many as a user mends before another look; a directory of tools may hold thousands of links to elsewhere. */
const MAX_OBSTACLES = 10;

/** What keeps a source from being copied whole: links that lead out of the context, directories that cannot be read. */
function* obstaclesOf(context: ContextFiles, path: string): Generator<Omit<Diagnostic, "severity" | "span">> {
  let parent = ".";
  for (const segment of path.split("/").slice(0, -1)) {
    parent = posix.join(parent, segment);
    const target = context.readLink?.(parent);
    if (target !== undefined && linkEscapes(parent, target)) return yield escapingLink(parent, target);
  }
  for (const entry of walkContext(context, path)) {
    if (entry.link !== undefined && linkEscapes(entry.path, entry.link)) yield escapingLink(entry.path, entry.link);
    if (entry.isUnreadable !== true) continue;
    yield {
      code: "source-unreadable",
      message: `the directory ${quoted(entry.path)} cannot be read: permission denied`,
      hint: "make it readable for this user, or leave it out with a line in .kubefileignore",
    };
  }
}

function escapingLink(path: string, target: string): Omit<Diagnostic, "severity" | "span"> {
  return {
    code: "link-escapes",
    message: `${quoted(path)} is a link to ${quoted(target)}, which is outside of the build context`,
    hint: "replace it by the file itself, or by a relative link that stays inside",
  };
}

function* pathsOf(context: ContextFiles): Generator<string> {
  for (const entry of walkContext(context, ".")) if (entry.path !== ".") yield entry.path;
}
