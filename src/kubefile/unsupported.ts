import type { Diagnostic } from "./diagnostic.ts";
import type { Flag, Instruction, Kubefile } from "./instruction.ts";
import type { Span } from "./mapped-text.ts";
import { unsupportedMount } from "./mount.ts";

/**
 * What the parser understands and no build executes yet, each with what to use meanwhile. A build ends with these; the
 * linter shows them as warnings.
 */
export function unsupportedFeatures(kubefile: Kubefile): readonly Diagnostic[] {
  return kubefile.instructions.flatMap(unsupportedIn);
}

function unsupportedIn(instruction: Instruction): readonly Diagnostic[] {
  const flags = instruction.flags.flatMap((flag) => unsupportedFlag(instruction, flag));
  if (instruction.kind !== "ADD") return flags;
  const repositories = instruction.sources.filter(({ text }) => /^(?:git@|git:|ssh:)/i.test(text));
  const hint = "write https://HOST/PATH.git; a token for it is given with --secret id=GIT_AUTH_TOKEN.HOST";
  return [
    ...flags,
    ...repositories.map(({ span }) => unsupported("git by another protocol than https is", hint, span)),
  ];
}

/** Flags of known names that change what a step does; the others are reported as having no effect. */
const hints: Readonly<Record<string, string>> = {
  "keep-git-dir": "RUN git clone; what git keeps there differs from machine to machine",
  network: "remove it; RUN has the network",
  security: "remove it",
  secret: "write --mount=type=secret,id=NAME",
  platform: "remove it; `kubefile build --platform` says what all stages are built for",
};

function unsupportedFlag(instruction: Instruction, flag: Flag): readonly Diagnostic[] {
  if (flag.name === "keep-git-dir" && flag.value?.text.toLowerCase() === "false") return [];
  const known = Object.hasOwn(hints, flag.name) ? hints[flag.name] : undefined;
  const hint = flag.name === "mount" ? unsupportedMount(flag) : known;
  return hint === undefined ? [] : [unsupported(`${instruction.kind} --${flag.name} is`, hint, flag.span)];
}

function unsupported(what: string, hint: string, span: Span): Diagnostic {
  return { severity: "error", code: "unsupported", message: `${what} not executed yet`, hint, span };
}
