import type { Report } from "./diagnostic.ts";
import { variablesOf } from "./expand.ts";
import type { Instruction, Kubefile } from "./instruction.ts";
import { didYouMean, nearest } from "./nearest.ts";
import { visibleVariables } from "./visible-variables.ts";
import type { Word } from "./word.ts";

/** Set by the engine that runs RUN, or commonly passed in without a declaration. */
const alwaysKnown = new Set(["HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "FTP_PROXY", "ALL_PROXY", "SOURCE_DATE_EPOCH"]);

/** How many findings tell which name may have been meant: to compare each of thousands with all others takes hours. */
const MAX_SUGGESTIONS = 100;

/** Variables that no ARG or ENV before the instruction declares. */
export function checkVariables(kubefile: Kubefile, report: Report): void {
  const variables = visibleVariables();
  let found = 0;
  for (const instruction of kubefile.instructions) {
    for (const { name, span, optional } of wordsOf(instruction).flatMap((word) => variablesOf(word.parts))) {
      if (optional || variables.declares(name) || alwaysKnown.has(name.toUpperCase())) continue;
      found += 1;
      const meant = found > MAX_SUGGESTIONS ? undefined : nearest(name, variables.names());
      report({
        severity: isPathLike(instruction) ? "error" : "warning",
        code: "unset-variable",
        message: `no ARG or ENV before this line declares $${name}`,
        hint: didYouMean(meant) ?? `declare it with ARG ${name}, or write \\$${name} if the text itself is meant`,
        span,
      });
    }
    variables.pass(instruction);
  }
}

/** Where an empty value can only be a mistake. */
function isPathLike({ kind }: Instruction): boolean {
  return kind !== "ENV" && kind !== "LABEL" && kind !== "APPENV" && kind !== "ARG";
}

/** The arguments in which variables are expanded; commands are left to the shell. */
export function wordsOf(instruction: Instruction): readonly Word[] {
  const flags = instruction.flags.flatMap(({ value }) => (value === undefined ? [] : [value]));
  switch (instruction.kind) {
    case "FROM":
      return [...flags, instruction.image];
    case "COPY":
    case "ADD":
      return [...flags, ...instruction.sources, instruction.destination];
    case "ARG":
      return instruction.arguments.flatMap((declared) => (declared.default === undefined ? [] : [declared.default]));
    case "ENV":
      return instruction.pairs.map(({ value }) => value);
    case "LABEL":
      return instruction.pairs.flatMap(({ name, value }) => [name, value]);
    case "APP":
    case "CNI":
    case "CSI":
      return [instruction.name, ...instruction.sources];
    case "APPENV":
      return [instruction.name, ...instruction.pairs.map(({ value }) => value)];
    case "APPCMDS":
      return [instruction.name];
    case "KUBEVERSION":
      return [instruction.version];
    case "LAUNCH":
      return instruction.apps;
    case "RUN":
      return flags;
    case "MAINTAINER":
    case "CMD":
    case "CMDS":
      return [];
    default:
      return instruction satisfies never;
  }
}
