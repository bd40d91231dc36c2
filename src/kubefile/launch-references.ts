import { posix } from "node:path";
import { type CommandWord, type SimpleCommand, splitCommandLine } from "./command-line.ts";
import { type CommandRead, isAddress, readsOf } from "./command-reads.ts";
import { isOutside } from "./context-files.ts";

/** A path or an address that a launch command reads. */
export interface LaunchReference {
  readonly kind: "file" | "chart" | "address";
  /** A path relative to the root of the cluster image, or the address as written. */
  readonly target: string;
  /** Offsets of the word in the command line. */
  readonly start: number;
  readonly end: number;
  /** True when a command before it in the same line may have made the path. */
  readonly mayBeMade: boolean;
}

/**
 * What a launch command line reads as far as its text tells: `kubectl ... -f PATH`, `helm install NAME CHART`, values
 * files, `sh PATH`, `./PATH`, and addresses that these and curl, wget, git and `helm repo add` fetch from. Words that
 * the shell has yet to expand, absolute paths and standard input are left out.
 */
export function launchReferences(commandLine: string, directory = "."): readonly LaunchReference[] {
  const found: LaunchReference[] = [];
  let current: string | undefined = directory;
  let mayBeMade = false;
  for (const command of splitCommandLine(commandLine)) {
    const words = withoutPrefix(command.words);
    const name = programName(words);
    if (name === "cd") current = changedDirectory(current, words[1]);
    else found.push(...resolved(readsOf(name, words), current, mayBeMade));
    if (makesFiles(name, command)) mayBeMade = true;
  }
  return found;
}

const prefixes = new Set([
  "!",
  "{",
  "do",
  "elif",
  "else",
  "env",
  "exec",
  "if",
  "nohup",
  "sudo",
  "then",
  "time",
  "until",
  "while",
]);

const fileMakers = new Set([
  "awk",
  "cat",
  "cp",
  "curl",
  "git",
  "gunzip",
  "install",
  "ln",
  "mkdir",
  "mv",
  "rsync",
  "sed",
  "tar",
  "tee",
  "touch",
  "unzip",
  "wget",
]);

function withoutPrefix(words: readonly CommandWord[]): readonly CommandWord[] {
  const start = words.findIndex(({ text }) => !prefixes.has(text) && !/^[A-Za-z_]\w*=/.test(text));
  return start < 0 ? [] : words.slice(start);
}

function makesFiles(name: string, command: SimpleCommand): boolean {
  return (
    command.writesFile || fileMakers.has(name) || (name === "helm" && command.words.some(({ text }) => text === "pull"))
  );
}

/** Undefined once the directory is not known any more. */
function changedDirectory(current: string | undefined, target: CommandWord | undefined): string | undefined {
  if (current === undefined || target === undefined || target.isDynamic || target.text.startsWith("/"))
    return undefined;
  return posix.join(current, target.text);
}

function resolved(
  reads: readonly CommandRead[],
  directory: string | undefined,
  mayBeMade: boolean,
): readonly LaunchReference[] {
  return reads.flatMap(({ kind, word, text }): LaunchReference[] => {
    const place = { start: word.start, end: word.end, mayBeMade };
    if (kind === "address" || isAddress(text)) return [{ kind: "address", target: text, ...place }];
    if (word.isDynamic || directory === undefined || text === "" || text === "-" || text.startsWith("/")) return [];
    const target = posix.join(directory, text).replace(/\/+$/, "");
    return isOutside(target) ? [] : [{ kind, target, ...place }];
  });
}

/** Whether a command line may leave files behind that later commands read. */
export function createsFiles(commandLine: string): boolean {
  return splitCommandLine(commandLine).some((command) =>
    makesFiles(programName(withoutPrefix(command.words)), command),
  );
}

function programName(words: readonly CommandWord[]): string {
  return posix.basename(words[0]?.text ?? "");
}
