import { posix } from "node:path";
import { detectAppType } from "./app-type.ts";
import type { ContextFiles } from "./context-files.ts";
import { quoted, type Report } from "./diagnostic.ts";
import type { AppInstruction, Instruction, Kubefile } from "./instruction.ts";
import { didYouMean, nearest } from "./nearest.ts";
import { applicationDirectory, localSource, rootfsPathsOf } from "./rootfs-paths.ts";
import { stageNamed } from "./stage-references.ts";
import type { Word } from "./word.ts";

/** What APP, CNI and CSI declare and LAUNCH, APPCMDS and APPENV use. */
export function checkApplications(kubefile: Kubefile, context: ContextFiles | undefined, report: Report): void {
  const { stages } = kubefile;
  const known: Known[] = [];
  for (const [position, stage] of stages.entries()) {
    const base = stageNamed(stages, stage.from.image.text, position);
    const inherited = base === undefined ? undefined : known[base];
    const isWhole = inherited?.isComplete ?? stage.from.image.text === "scratch";
    // An APP that could not be read, or a base image, may well declare what seems to be missing.
    const isComplete = isWhole && !kubefile.invalid.some(({ keyword }) => ["APP", "CNI", "CSI"].includes(keyword));
    const own = checkDeclarations(stage.instructions, report);
    const declared = new Map([...(inherited?.declared ?? []), ...own]);
    known.push({ declared, isComplete });
    for (const instruction of stage.instructions) {
      if (instruction.kind === "LAUNCH") {
        for (const name of instruction.apps) checkDeclared(name, instruction, declared, isComplete, report);
      } else if (instruction.kind === "APPCMDS" || instruction.kind === "APPENV") {
        checkDeclared(instruction.name, instruction, declared, isComplete, report);
      }
    }
    if (position < stages.length - 1) continue;
    checkLaunched(stage.instructions, declared, report);
    if (context !== undefined) checkTypes(kubefile, own, context, report);
  }
}

interface Known {
  readonly declared: Declared;
  /** False when there may be more than the text says. */
  readonly isComplete: boolean;
}

type Declared = ReadonlyMap<string, AppInstruction>;

function checkDeclarations(instructions: readonly Instruction[], report: Report): Declared {
  const declared = new Map<string, AppInstruction>();
  for (const instruction of instructions) {
    if (instruction.kind !== "APP" && instruction.kind !== "CNI" && instruction.kind !== "CSI") continue;
    const earlier = declared.get(instruction.name.text);
    if (earlier === undefined) {
      declared.set(instruction.name.text, instruction);
    } else {
      report({
        severity: "error",
        code: "duplicate-app",
        message: `the application ${quoted(instruction.name.text)} is declared already, on line ${earlier.span.start.line}`,
        hint: "choose another name, or put all sources into one line",
        span: instruction.name.span,
      });
    }
    for (const source of instruction.sources) checkScheme(instruction, source, report);
  }
  return declared;
}

function checkScheme(instruction: AppInstruction, source: Word, report: Report): void {
  if (/^(?:local|https?):\/\//.test(source.text) || source.text.startsWith("$")) return;
  const scheme = /^([a-z][a-z0-9+.-]*):\/\//i.exec(source.text)?.[1];
  report({
    severity: "error",
    code: "app-source-scheme",
    message:
      scheme === undefined
        ? `the source ${quoted(source.text)} of ${instruction.kind} does not say where it is`
        : `${instruction.kind} cannot read ${scheme}:// sources`,
    hint: scheme === undefined ? `write local://${source.text} for a path of the build context` : "use local://PATH",
    span: source.span,
  });
}

function checkDeclared(name: Word, user: Instruction, declared: Declared, isComplete: boolean, report: Report): void {
  const app = declared.get(name.text);
  if (app === undefined) {
    if (!isComplete || name.parts.some((part) => part.kind === "variable")) return;
    report({
      severity: "error",
      code: "app-not-declared",
      message: `no APP declares ${quoted(name.text)}`,
      hint: didYouMean(nearest(name.text, declared.keys())) ?? `write APP ${name.text} local://PATH before it`,
      span: name.span,
    });
  } else if (app.span.start.line > user.span.start.line) {
    report({
      severity: "error",
      code: "app-declared-later",
      message: `${user.kind} ${name.text} stands before its ${app.kind} on line ${app.span.start.line}`,
      hint: `move it below line ${app.span.start.line}`,
      span: user.keywordSpan,
    });
  }
}

function checkLaunched(instructions: readonly Instruction[], declared: Declared, report: Report): void {
  const launch = instructions.find((instruction) => instruction.kind === "LAUNCH");
  if (launch === undefined || launch.apps.some(({ parts }) => parts.some(({ kind }) => kind === "variable"))) return;
  const launched = new Set(launch.apps.map(({ text }) => text));
  // A misspelt name is reported already; the application it meant is not left out.
  if ([...launched].some((name) => !declared.has(name))) return;
  for (const [name, app] of declared) {
    if (launched.has(name)) continue;
    report({
      severity: "info",
      code: "app-not-launched",
      message: `LAUNCH does not name ${quoted(name)}: it is carried along and not started`,
      hint: `add ${JSON.stringify(name)} to LAUNCH to start it`,
      span: app.name.span,
    });
  }
}

function checkTypes(kubefile: Kubefile, declared: Declared, context: ContextFiles, report: Report): void {
  const withCommands = new Set(
    kubefile.instructions.flatMap((instruction) => (instruction.kind === "APPCMDS" ? [instruction.name.text] : [])),
  );
  const { paths } = rootfsPathsOf(kubefile, context);
  for (const [name, app] of declared) {
    const isLocal = app.sources.every(({ text, parts }) => localSource(text) !== undefined && parts.length === 1);
    if (withCommands.has(name) || !isLocal) continue;
    const directory = `${applicationDirectory(name)}/`;
    const files = [...paths].flatMap(([path, kind]) =>
      kind === "file" && path.startsWith(directory) ? [posix.relative(directory, path)] : [],
    );
    if (files.length === 0 || detectAppType(files) !== undefined) continue;
    report({
      severity: "error",
      code: "app-type-unknown",
      message: `${app.kind} ${name} is neither a chart, nor only manifests, nor only scripts`,
      hint: `say how to start it: APPCMDS ${name} ["COMMAND", "ARGUMENT"]`,
      span: app.name.span,
    });
  }
}
