import { KubefileError, type Location } from "../error.ts";
import type { AppInstruction, Instruction, Stage } from "../kubefile/instruction.ts";
import { copySources } from "./copy-sources.ts";
import { CNI_LABEL } from "./own-network.ts";
import type { DeclaredApp, PlannedLaunch } from "./planned-launch.ts";
import type { Scope } from "./scope.ts";
import type { PlannedStage, StageBase } from "./stage.ts";
import { type NeededStage, plannedPosition } from "./stage-graph.ts";
import type { Step } from "./step.ts";

/** A stage, and what it hands on to the stage or the image that is made from it. */
export interface StageResult extends Inherited {
  readonly planned: PlannedStage;
}

/** What FROM takes over from a stage. */
interface Inherited {
  readonly env: Readonly<Record<string, string>>;
  readonly labels: Readonly<Record<string, string>>;
  readonly apps: ReadonlyMap<string, DeclaredApp>;
  /** Absent when nothing is started. */
  readonly launch?: PlannedLaunch;
  readonly maintainer?: string;
  readonly kubeVersion?: string;
  readonly kubeVersionAt?: Location;
}

export interface StageContext {
  readonly file: string;
  /** All of the file. */
  readonly stages: readonly Stage[];
  readonly needed: readonly NeededStage[];
  /** Of the needed stages before this one. */
  readonly results: readonly StageResult[];
  /** As it is before the first FROM. */
  readonly scope: Scope;
}

const CSI_LABEL = "cluster.alpha.sealer.io/kube-csi-";
const KUBE_VERSION_LABEL = "app.alpha.sealer.io/supported-kube-version";
const localScheme = "local://";

/** @throws KubefileError UNSUPPORTED for an APP source that is a URL */
export function planStage({ stage, position, base }: NeededStage, context: StageContext): StageResult {
  const basePosition = base === undefined ? undefined : plannedPosition(context.needed, base);
  const inherited = basePosition === undefined ? undefined : context.results[basePosition];
  const state: StageState = {
    context,
    position,
    scope: context.scope.stage(inherited?.env ?? {}),
    steps: [],
    labels: inherited?.labels ?? {},
    apps: new Map(inherited?.apps),
    launch: inherited?.launch,
    ownCommands: [],
    maintainer: inherited?.maintainer,
    kubeVersion: inherited?.kubeVersion,
    kubeVersionAt: inherited?.kubeVersionAt,
  };
  for (const instruction of stage.instructions) apply(instruction, state);
  const stageBase: StageBase =
    basePosition === undefined ? { kind: "scratch" } : { kind: "stage", stage: basePosition };
  const { labels, apps, launch, maintainer, kubeVersion, kubeVersionAt } = state;
  return {
    planned: {
      title: `stage ${stage.name ?? position}`,
      base: stageBase,
      steps: state.steps,
      where: locate(state, stage.from),
      shown: stage.from.text,
    },
    env: state.scope.environment(),
    labels,
    apps,
    ...(launch === undefined ? {} : { launch }),
    ...(maintainer === undefined ? {} : { maintainer }),
    ...(kubeVersion === undefined ? {} : { kubeVersion }),
    ...(kubeVersionAt === undefined ? {} : { kubeVersionAt }),
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
  const where = locate(state, instruction);
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
      const { stages, needed } = state.context;
      state.steps.push({
        ...step,
        kind: "copy",
        sources: copySources(instruction, { scope, stages, needed, position: state.position }),
        destination: scope.expand(instruction.destination),
        ...(chmod === undefined ? {} : { chmod: scope.expand(chmod) }),
      });
      return;
    }
    case "RUN": {
      const command =
        instruction.form === "shell" ? instruction.command.text : instruction.argv.map((word) => word.text);
      state.steps.push({ ...step, kind: "run", command, env: scope.runEnvironment() });
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
      changeApp(state, instruction.name.text, () => ({ command: { text: instruction.command.text, where } }));
      return;
    case "APPENV":
      changeApp(state, instruction.name.text, (app) => ({
        env: {
          ...app.env,
          ...Object.fromEntries(instruction.pairs.map(({ name, value }) => [scope.expand(name), scope.expand(value)])),
        },
      }));
      return;
    case "CMD":
    case "CMDS":
      for (const command of instruction.commands) {
        state.ownCommands.push({ text: command.text, where: locate(state, command) });
      }
      state.launch = { kind: "commands", commands: state.ownCommands };
      return;
    case "LAUNCH":
      state.launch = { kind: "apps", names: instruction.apps.map(scope.expand), where };
      return;
    default:
      instruction satisfies never;
  }
}

function declareApp(
  instruction: AppInstruction,
  state: StageState,
  step: { readonly where: Location; readonly shown: string },
): void {
  const name = state.scope.expand(instruction.name);
  const kind = instruction.kind === "APP" ? "app" : instruction.kind === "CNI" ? "cni" : "csi";
  const directory = `application/apps/${name}`;
  const paths = instruction.sources.map((source) => {
    const text = state.scope.expand(source);
    if (text.startsWith(localScheme)) return text.slice(localScheme.length);
    throw new KubefileError("UNSUPPORTED", `${instruction.kind} ${name} takes its files from ${text}`, {
      where: locate(state, source),
      hint: "fetch it with a RUN step, or put it into the build context and name it local://PATH",
    });
  });
  state.apps.set(name, { name, kind, directory, env: {} });
  if (kind === "cni") setLabel(state, `${CNI_LABEL}${name}`, "true");
  if (kind === "csi") setLabel(state, `${CSI_LABEL}${name}`, "true");
  state.steps.push({
    ...step,
    kind: "copy",
    sources: [{ kind: "context", paths, unpack: false }],
    destination: `${directory}/`,
  });
}

function changeApp(state: StageState, name: string, change: (app: DeclaredApp) => Partial<DeclaredApp>): void {
  const app = state.apps.get(name);
  if (app !== undefined) state.apps.set(name, { ...app, ...change(app) });
}

function setLabel(state: StageState, name: string, value: string): void {
  state.labels = { ...state.labels, [name]: value };
}

function locate({ context }: StageState, { span }: Pick<Instruction, "span">): Location {
  return { file: context.file, line: span.start.line, column: span.start.column };
}
