import { KubefileError, type Location } from "../error.ts";
import { CNI_LABEL, CSI_LABEL, KUBE_VERSION_LABEL } from "../image/sealer-labels.ts";
import { quoted } from "../kubefile/diagnostic.ts";
import { flagIsSet } from "../kubefile/flags.ts";
import type {
  AppCmdsInstruction,
  AppEnvInstruction,
  AppInstruction,
  Instruction,
  RunInstruction,
} from "../kubefile/instruction.ts";
import { didYouMean, nearest } from "../kubefile/nearest.ts";
import type { Word } from "../kubefile/word.ts";
import { copySources } from "./copy-sources.ts";
import { gitSource } from "./git-source.ts";
import { appDirectory, type StageContext, type StageResult, startStage } from "./inherited.ts";
import type { DeclaredApp, PlannedLaunch } from "./planned-launch.ts";
import type { Scope } from "./scope.ts";
import type { NeededStage } from "./stage-graph.ts";
import type { RunCommand, Step, StepSource } from "./step.ts";
import { webAddress } from "./web-address.ts";

const localScheme = "local://";

/**
 * @throws KubefileError UNSUPPORTED for an APP source that is a URL; KUBEFILE_INVALID for an application that neither
 * the stage nor its base has
 */
export function planStage(needed: NeededStage, context: StageContext): StageResult {
  const { stage, position } = needed;
  const where = locate(context, stage.from);
  const { base, inherited } = startStage(needed, context, where);
  const state: StageState = {
    context,
    position,
    scope: context.scope.stage(inherited.env),
    steps: [],
    ownCommands: [],
    labels: inherited.labels,
    apps: new Map(inherited.apps),
    launch: inherited.launch,
    maintainer: inherited.maintainer,
    kubeVersion: inherited.kubeVersion,
    kubeVersionAt: inherited.kubeVersionAt,
  };
  for (const instruction of stage.instructions) apply(instruction, state);
  const { labels, apps, launch, maintainer, kubeVersion, kubeVersionAt } = state;
  return {
    planned: { title: `stage ${stage.name ?? position}`, base, steps: state.steps, where, shown: stage.from.text },
    env: state.scope.environment(),
    labels,
    apps,
    ...(launch === undefined ? {} : { launch }),
    ...(maintainer === undefined ? {} : { maintainer }),
    ...(kubeVersion === undefined ? {} : { kubeVersion }),
    ...(kubeVersionAt === undefined ? {} : { kubeVersionAt }),
    ...(inherited.base === undefined ? {} : { base: inherited.base }),
  };
}

interface StageState {
  readonly context: StageContext;
  /** Among all stages of the file. */
  readonly position: number;
  readonly scope: Scope;
  readonly steps: Step[];
  labels: Readonly<Record<string, string>>;
  readonly apps: Map<string, DeclaredApp>;
  /** Inherited, until an instruction of the stage's own replaces it. */
  launch: PlannedLaunch | undefined;
  readonly ownCommands: { readonly text: string; readonly where: Location }[];
  maintainer: string | undefined;
  kubeVersion: string | undefined;
  kubeVersionAt: Location | undefined;
}

function apply(instruction: Instruction, state: StageState): void {
  const { scope } = state;
  const where = locate(state.context, instruction);
  const step = { where, shown: instruction.text };
  switch (instruction.kind) {
    case "FROM":
      return;
    case "ARG":
      scope.declareArg(instruction);
      return;
    case "ENV":
      scope.setEnv(instruction);
      return;
    case "COPY":
    case "ADD": {
      const chmod = instruction.flags.find((flag) => flag.name === "chmod")?.value;
      const exclude = instruction.flags.flatMap(({ name, value }) =>
        name === "exclude" && value !== undefined ? [scope.expand(value)] : [],
      );
      const { stages, needed, baseRegistry } = state.context;
      state.steps.push({
        ...step,
        kind: "copy",
        sources: copySources(instruction, { scope, stages, needed, baseRegistry, position: state.position, where }),
        destination: scope.expand(instruction.destination),
        ...(chmod === undefined ? {} : { chmod: scope.expand(chmod) }),
        ...(exclude.length === 0 ? {} : { exclude }),
        ...(flagIsSet(instruction.flags, "parents") ? { parents: true as const } : {}),
      });
      return;
    }
    case "RUN": {
      const secrets = instruction.secrets.map(({ span, ...secret }) => ({
        ...secret,
        where: locate(state.context, { span }),
      }));
      state.steps.push({
        ...step,
        kind: "run",
        command: runCommand(instruction),
        env: scope.runEnvironment(),
        ...(secrets.length === 0 ? {} : { secrets }),
      });
      return;
    }
    case "LABEL":
      for (const { name, value } of instruction.pairs) setLabel(state, scope.expand(name), scope.expand(value));
      return;
    case "MAINTAINER":
      state.maintainer = instruction.name.text;
      return;
    case "KUBEVERSION":
      state.kubeVersion = scope.expand(instruction.version);
      state.kubeVersionAt = where;
      setLabel(state, KUBE_VERSION_LABEL, state.kubeVersion);
      return;
    case "APP":
    case "CNI":
    case "CSI":
      declareApp(instruction, state, step);
      return;
    case "APPCMDS":
      changeApp(state, instruction, () => ({ command: { text: instruction.command.text, where } }));
      return;
    case "APPENV":
      changeApp(state, instruction, (app) => ({
        env: {
          ...app.env,
          ...Object.fromEntries(instruction.pairs.map(({ name, value }) => [scope.expand(name), scope.expand(value)])),
        },
      }));
      return;
    case "CMD":
    case "CMDS":
      for (const command of instruction.commands) {
        state.ownCommands.push({ text: command.text, where: locate(state.context, command) });
      }
      state.launch = { kind: "commands", commands: state.ownCommands };
      return;
    case "LAUNCH":
      for (const name of instruction.apps) requireApp(state, scope.expand(name), name);
      state.launch = { kind: "apps", names: instruction.apps.map(scope.expand), where };
      return;
    default:
      instruction satisfies never;
  }
}

function runCommand(instruction: RunInstruction): RunCommand {
  if (instruction.form === "json") return instruction.argv.map(({ text }) => text);
  const { text } = instruction.command;
  return instruction.heredocs.length > 0 && text.startsWith("#!") ? { script: text } : text;
}

function declareApp(
  instruction: AppInstruction,
  state: StageState,
  step: { readonly where: Location; readonly shown: string },
): void {
  const name = state.scope.expand(instruction.name);
  const kind = instruction.kind === "APP" ? "app" : instruction.kind === "CNI" ? "cni" : "csi";
  const directory = appDirectory(name);
  const sources = instruction.sources.map((source): StepSource => {
    const text = state.scope.expand(source);
    if (text.startsWith(localScheme)) {
      return { kind: "context", paths: [text.slice(localScheme.length)], unpack: false };
    }
    const where = locate(state.context, source);
    return gitSource(text, where) ?? { kind: "url", url: webAddress(text, where), unpack: false };
  });
  state.apps.set(name, { name, kind, directory, env: {} });
  if (kind === "cni") setLabel(state, `${CNI_LABEL}${name}`, "true");
  if (kind === "csi") setLabel(state, `${CSI_LABEL}${name}`, "true");
  state.steps.push({
    ...step,
    kind: "copy",
    sources,
    destination: `${directory}/`,
  });
}

function changeApp(
  state: StageState,
  { name }: AppCmdsInstruction | AppEnvInstruction,
  change: (app: DeclaredApp) => Partial<DeclaredApp>,
): void {
  const app = requireApp(state, state.scope.expand(name), name);
  state.apps.set(app.name, { ...app, ...change(app) });
}

/** What the linter cannot know: the applications of a base image. */
function requireApp({ context, apps }: StageState, name: string, { span }: Pick<Word, "span">): DeclaredApp {
  const app = apps.get(name);
  if (app !== undefined) return app;
  throw new KubefileError("KUBEFILE_INVALID", `no APP declares ${quoted(name)}`, {
    where: locate(context, { span }),
    hint: didYouMean(nearest(name, apps.keys())) ?? `write APP ${name} local://PATH before it`,
  });
}

function setLabel(state: StageState, name: string, value: string): void {
  state.labels = { ...state.labels, [name]: value };
}

function locate({ file }: StageContext, { span }: Pick<Instruction, "span">): Location {
  return { file, line: span.start.line, column: span.start.column };
}
