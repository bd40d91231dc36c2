import type { Span } from "./mapped-text.ts";

export type Severity = "error" | "warning" | "info";

/** Every diagnostic with what it means. Each is listed in docs/kubefile.md (a test keeps the two equal). */
export const diagnosticCodes = {
  // lines
  "invalid-encoding": "text that is not UTF-8, or a file that is no text",
  "line-too-long": "a line of more than 64 KiB",
  "invalid-character": "a control character, or a space that only looks like one",
  "invalid-directive": "`# escape=` with something else than a backslash or a backtick",
  "empty-continuation": "a blank line inside a continued instruction",
  "continuation-at-end": "the file ends with a continuation character",
  "unterminated-heredoc": "a here-document without its closing line",
  // words
  "unterminated-quote": "a quote that is never closed",
  "bad-substitution": "a variable in braces that cannot be read",
  "unset-variable": "a variable that no ARG or ENV declares",
  "unquoted-json": "a list in brackets whose elements are not in double quotes",
  "json-not-strings": "a JSON list with something else than strings",
  "text-after-json": "text after the closing bracket of a list",
  // instructions
  "unknown-instruction": "a line that starts with no instruction of the Kubefile",
  "dockerfile-instruction": "a Dockerfile instruction that a Kubefile does not have",
  "unknown-flag": "a flag that the instruction does not have",
  "invalid-flag": "a flag without a value, or with a wrong one",
  "flag-without-effect": "a flag that is accepted and changes nothing",
  "missing-argument": "an instruction without something it needs",
  "extra-argument": "an instruction with more than it takes",
  "missing-equals": "an item that is not of the form name=value",
  "invalid-name": "a name that cannot be used",
  "invalid-image": "an image reference that cannot be read",
  "empty-command": "a launch command without text",
  // order and number
  "empty-file": "a Kubefile without instructions",
  "no-from": "a Kubefile without FROM",
  "from-not-first": "an instruction other than ARG before the first FROM",
  "duplicate-stage": "a stage with the name of another",
  "unknown-stage": "`COPY --from` of a stage that is not above",
  "from-variable": "`COPY --from` with a variable",
  "launch-not-last": "LAUNCH or CMDS with instructions of its stage after it",
  "launch-twice": "a second LAUNCH or CMDS",
  "launch-conflict": "LAUNCH together with CMD or CMDS",
  "no-launch": "nothing is started: no CMD, CMDS or LAUNCH",
  "duplicate-kubeversion": "a second KUBEVERSION",
  "kubeversion-format": "a KUBEVERSION that is neither a version nor a range",
  // applications
  "duplicate-app": "an application declared twice",
  "app-not-declared": "LAUNCH, APPCMDS or APPENV of an application that no APP declares",
  "app-declared-later": "APPCMDS or APPENV before the APP it belongs to",
  "app-not-launched": "an application that LAUNCH leaves out",
  "app-source-scheme": "an APP source without local://, http:// or https://",
  "app-type-unknown": "an application that is neither chart, manifests nor scripts and has no APPCMDS",
  // files
  "source-missing": "a source that is not in the build context",
  "source-unreadable": "a directory of the build context that this user may not read",
  "path-escapes": "a path that leads out of the build context or the rootfs",
  "link-escapes": "a symbolic link that leads out of the build context",
  "destination-not-directory": "several sources and a destination without a closing slash",
  // launch
  "cmds-not-json": "CMDS without a JSON list",
  "exec-form": "a JSON CMD that looks like the words of one command",
  "launch-needs-network": "a launch command that fetches something",
  "path-not-created": "a launch command that reads a path which no step creates",
  // not executed yet
  unsupported: "something that is understood and not executed yet",
} as const;

export type DiagnosticCode = keyof typeof diagnosticCodes;

export interface Diagnostic {
  readonly severity: Severity;
  readonly code: DiagnosticCode;
  /** What is wrong, on which object. One sentence without a full stop. */
  readonly message: string;
  /** The next step. */
  readonly hint?: string;
  readonly span: Span;
}

/** Takes a problem and lets the work go on. */
export type Report = (diagnostic: Diagnostic) => void;

const severities: readonly Severity[] = ["error", "warning", "info"];

/** By place, then by severity, so that equal input gives equal output. */
export function sortDiagnostics(diagnostics: readonly Diagnostic[]): readonly Diagnostic[] {
  return [...diagnostics].sort(
    (a, b) =>
      a.span.start.line - b.span.start.line ||
      a.span.start.column - b.span.start.column ||
      severities.indexOf(a.severity) - severities.indexOf(b.severity) ||
      (a.code < b.code ? -1 : a.code > b.code ? 1 : 0),
  );
}

/** User text inside a message: quoted, control characters escaped, not longer than a line. */
export function quoted(text: string): string {
  const shown = text.length > 80 ? `${text.slice(0, 77)}...` : text;
  // JSON leaves some control characters as they are; a terminal would obey them.
  return JSON.stringify(shown).replace(/[\p{Cc}\p{Zl}\p{Zp}]/gu, escapeCharacter);
}

function escapeCharacter(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
}
