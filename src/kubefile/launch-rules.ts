import type { ContextFiles } from "./context-files.ts";
import { quoted, type Report } from "./diagnostic.ts";
import type { CmdInstruction, CmdsInstruction, Kubefile } from "./instruction.ts";
import { createsFiles, type LaunchReference, launchReferences } from "./launch-references.ts";
import { spanOf } from "./mapped-text.ts";
import { didYouMean, nearestPath } from "./nearest.ts";
import { applicationDirectory, type RootfsPaths, rootfsPathsOf } from "./rootfs-paths.ts";
import type { Word } from "./word.ts";

/** What launch commands read, compared with what the steps create. */
export function checkLaunchCommands(kubefile: Kubefile, context: ContextFiles | undefined, report: Report): void {
  const rootfs = context === undefined ? undefined : rootfsPathsOf(kubefile, context);
  let mayBeMade = false;
  for (const { command, directory } of launchCommandsOf(kubefile, report)) {
    const references = launchReferences(command.text, directory);
    for (const reference of references) {
      if (reference.kind === "address") reportNetwork(command, reference, report);
      else if (rootfs !== undefined)
        checkPath(command, { ...reference, mayBeMade: mayBeMade || reference.mayBeMade }, rootfs, report);
    }
    if (createsFiles(command.text)) mayBeMade = true;
  }
}

interface LaunchCommand {
  readonly command: Word;
  /** Relative to the root of the cluster image. */
  readonly directory: string;
}

function launchCommandsOf(kubefile: Kubefile, report: Report): readonly LaunchCommand[] {
  return kubefile.instructions.flatMap((instruction): LaunchCommand[] => {
    switch (instruction.kind) {
      case "CMD":
      case "CMDS":
        if (instruction.kind === "CMDS" || instruction.form === "json") checkExecForm(instruction, report);
        return instruction.commands.map((command) => ({ command, directory: "." }));
      case "APPCMDS":
        return [{ command: instruction.command, directory: applicationDirectory(instruction.name.text) }];
      default:
        return [];
    }
  });
}

const programs: readonly string[] = ["kubectl", "helm", "sh", "bash", "/bin/sh", "/bin/bash", "kustomize"];

/** In a Dockerfile the list is the words of one command; here each element is a command line. */
function checkExecForm(instruction: CmdInstruction | CmdsInstruction, report: Report): void {
  const [first, second] = instruction.commands.map(({ text }) => text);
  if (first === undefined || second === undefined || /\s/.test(first)) return;
  if (!second.startsWith("-") && !(programs.includes(first) && !/\s/.test(second) && !programs.includes(second)))
    return;
  const line = instruction.commands.map(({ text }) => (/[\s"']/.test(text) ? `'${text}'` : text)).join(" ");
  report({
    severity: "warning",
    code: "exec-form",
    message: `${instruction.kind} runs ${quoted(first)} and ${quoted(second)} as two commands: each element is a command line`,
    hint: `write ${instruction.kind} [${quoted(line)}]`,
    span: instruction.commands[0]?.span ?? instruction.keywordSpan,
  });
}

function reportNetwork(command: Word, reference: LaunchReference, report: Report): void {
  report({
    severity: "warning",
    code: "launch-needs-network",
    message: `the launch has no network, but this command fetches ${quoted(reference.target)}`,
    hint: "fetch it during the build with RUN, and name the file that RUN makes",
    span: spanOf(command, reference.start, reference.end),
  });
}

function checkPath(command: Word, reference: LaunchReference, rootfs: RootfsPaths, report: Report): void {
  const { target } = reference;
  if (target === "." || rootfs.paths.has(target) || isBelow(target, rootfs.opaque)) return;
  const unsure = rootfs.isOpen || reference.mayBeMade;
  const what = reference.kind === "chart" ? "the chart" : "the path";
  const fallback =
    reference.kind === "chart"
      ? "COPY the chart into the image; a chart repository cannot be reached at launch"
      : "COPY it from the build context, or make it with RUN";
  report({
    severity: unsure ? "warning" : "error",
    code: "path-not-created",
    message: unsure
      ? `no COPY, ADD or APP creates ${what} ${quoted(target)}; a command must`
      : `no step creates ${what} ${quoted(target)}`,
    hint: didYouMean(nearestPath(target, rootfs.paths.keys())) ?? fallback,
    span: spanOf(command, reference.start, reference.end),
  });
}

function isBelow(path: string, directories: ReadonlySet<string>): boolean {
  return [...directories].some(
    (directory) => directory === "." || path === directory || path.startsWith(`${directory}/`),
  );
}
