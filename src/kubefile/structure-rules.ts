import type { Report } from "./diagnostic.ts";
import type { Instruction, InvalidInstruction, Kubefile } from "./instruction.ts";

const launchKinds: readonly string[] = ["LAUNCH", "CMD", "CMDS"];

/** Order and number of instructions. */
export function checkStructure(kubefile: Kubefile, report: Report): void {
  const { instructions, invalid } = kubefile;
  if (instructions.length === 0 && invalid.length === 0) {
    const start = { line: 1, column: 1 };
    report({
      severity: "error",
      code: "empty-file",
      message: "the Kubefile is empty",
      hint: "start with FROM scratch, COPY the files of the application, and name what to start with CMD",
      span: { start, end: start },
    });
    return;
  }
  checkFrom(kubefile, report);
  for (const section of sectionsOf(kubefile)) {
    checkLaunch(section, report);
    checkKubeVersion(section.instructions, report);
  }
}

/** What stands between one FROM and the next; the whole file where there is none. */
interface Section extends Pick<Kubefile, "instructions" | "invalid"> {
  /** Whether nothing is started unless the section says it: it is the result, and starts from scratch. */
  readonly needsLaunch: boolean;
}

function sectionsOf({ instructions, invalid, stages }: Kubefile): readonly Section[] {
  if (stages.length === 0) return [{ instructions, invalid, needsLaunch: true }];
  return stages.map((stage, position) => {
    const start = position === 0 ? 0 : stage.from.span.start.line;
    const end = stages[position + 1]?.from.span.start.line ?? Number.POSITIVE_INFINITY;
    return {
      instructions: [stage.from, ...stage.instructions],
      invalid: invalid.filter(({ span }) => span.start.line >= start && span.start.line < end),
      needsLaunch: position === stages.length - 1 && stage.from.image.text === "scratch",
    };
  });
}

function checkFrom({ instructions, invalid }: Kubefile, report: Report): void {
  const first = instructions.find((instruction) => instruction.kind !== "ARG");
  if (first === undefined || first.kind === "FROM") return;
  // A line that could not be read may have been the FROM.
  if (invalid.some(({ span }) => span.start.line < first.span.start.line)) return;
  const hasFrom = instructions.some((instruction) => instruction.kind === "FROM");
  report({
    severity: "error",
    code: hasFrom ? "from-not-first" : "no-from",
    message: hasFrom ? `${first.kind} stands before the first FROM` : "the Kubefile has no FROM",
    hint: hasFrom ? "move FROM to the top; only ARG may stand before it" : "write FROM scratch as the first line",
    span: first.keywordSpan,
  });
}

function checkLaunch({ instructions, invalid, needsLaunch }: Section, report: Report): void {
  const launches = instructions.filter((instruction) => instruction.kind === "LAUNCH");
  const lists = instructions.filter((instruction) => instruction.kind === "CMDS");
  const commands = instructions.filter((instruction) => instruction.kind === "CMD");
  const launch = launches[0];
  const other = [...commands, ...lists][0];
  if (launch !== undefined && other !== undefined) {
    report({
      severity: "error",
      code: "launch-conflict",
      message: `LAUNCH cannot stand beside ${other.kind} on line ${other.span.start.line}`,
      hint: "keep one of them; APPCMDS changes how a launched application is started",
      span: launch.keywordSpan,
    });
  }
  for (const repeated of [...launches.slice(1), ...lists.slice(1)]) {
    const earlier = repeated.kind === "LAUNCH" ? launches[0] : lists[0];
    report({
      severity: "error",
      code: "launch-twice",
      message: `a second ${repeated.kind}; the first is on line ${earlier?.span.start.line}`,
      hint: "put everything into one list",
      span: repeated.keywordSpan,
    });
  }
  for (const last of [...launches.slice(0, 1), ...lists.slice(0, 1)]) {
    const next = following(last, instructions, invalid);
    if (next === undefined) continue;
    report({
      severity: "error",
      code: "launch-not-last",
      message: `${last.kind} must be the last instruction, but ${next.keyword} follows on line ${next.span.start.line}`,
      hint: `move ${last.kind} to the end of the file`,
      span: last.keywordSpan,
    });
  }
  if (!needsLaunch) return;
  const hasLaunch = launches.length + lists.length + commands.length > 0;
  if (!hasLaunch && !invalid.some(({ keyword }) => launchKinds.includes(keyword))) reportNoLaunch(instructions, report);
}

/** The next instruction that is no launch: for those there are other messages. */
function following(
  last: Instruction,
  instructions: readonly Instruction[],
  invalid: readonly InvalidInstruction[],
): InvalidInstruction | undefined {
  const read = instructions.map(({ kind, span }) => ({ keyword: kind, span }));
  return [...read, ...invalid]
    .filter(({ keyword, span }) => span.start.line > last.span.start.line && !isOtherLaunch(last, keyword))
    .sort((a, b) => a.span.start.line - b.span.start.line)[0];
}

function isOtherLaunch(last: Instruction, keyword: string): boolean {
  return keyword === last.kind || (last.kind === "LAUNCH" ? launchKinds.includes(keyword) : keyword === "LAUNCH");
}

function reportNoLaunch(instructions: readonly Instruction[], report: Report): void {
  const last = instructions.at(-1);
  if (last === undefined) return;
  const app = instructions.find(({ kind }) => kind === "APP" || kind === "CNI" || kind === "CSI");
  const name = app !== undefined && "name" in app && app.kind !== "MAINTAINER" ? app.name.text : undefined;
  report({
    severity: "warning",
    code: "no-launch",
    message: "nothing is started: there is no CMD, CMDS or LAUNCH",
    hint:
      name === undefined
        ? "end the file with CMD and the command that starts the application"
        : `end the file with LAUNCH ${JSON.stringify([name])}`,
    span: last.keywordSpan,
  });
}

function checkKubeVersion(instructions: readonly Instruction[], report: Report): void {
  const versions = instructions.filter((instruction) => instruction.kind === "KUBEVERSION");
  for (const repeated of versions.slice(1)) {
    report({
      severity: "warning",
      code: "duplicate-kubeversion",
      message: `a second KUBEVERSION; the one on line ${versions[0]?.span.start.line} is forgotten`,
      hint: "keep one",
      span: repeated.keywordSpan,
    });
  }
  for (const { version } of versions) {
    const hasVariables = version.parts.some((part) => part.kind === "variable");
    if (
      hasVariables ||
      version.text
        .trim()
        .split(/[\s,|]+/)
        .every(isVersionOrBound)
    )
      continue;
    report({
      severity: "warning",
      code: "kubeversion-format",
      message: `${JSON.stringify(version.text.slice(0, 80))} is neither a version nor a range of versions`,
      hint: "write KUBEVERSION v1.34.4, or a range such as >=1.30 <1.35",
      span: version.span,
    });
  }
}

/** `v1.34.4`, `>=1.30`, `1.x`; an operator may stand alone before its version. */
function isVersionOrBound(text: string): boolean {
  return /^(?:[<>]=?|==?|~>?|\^)?(?:v?\d+(?:\.(?:\d+|x|\*)){0,2})?$/.test(text);
}
