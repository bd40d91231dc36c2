import { KubefileError, type Location } from "../error.ts";
import type { AppInstruction, Instruction, Kubefile } from "../kubefile/instruction.ts";
import type { Platform } from "../oci/descriptor.ts";
import { bringsNetwork, CNI_LABEL } from "./own-network.ts";
import { createScope, type Scope } from "./scope.ts";

/** One step that may change the rootfs; variables are replaced. */
export type Step = {
  readonly where: Location;
  /** The instruction as written, for people. */
  readonly shown: string;
} & (
  | {
      readonly kind: "copy";
      readonly sources: readonly string[];
      readonly destination: string;
      readonly chmod?: string;
      /** ADD: local archives are unpacked. */
      readonly unpack: boolean;
    }
  | { readonly kind: "run"; readonly command: RunCommand; readonly env: Readonly<Record<string, string>> }
);

/** A line for a shell, or the words of one command. */
export type RunCommand = string | readonly string[];

export interface DeclaredApp {
  readonly name: string;
  readonly kind: "app" | "cni" | "csi";
  /** Where its files are, relative to the rootfs. */
  readonly directory: string;
  readonly env: Readonly<Record<string, string>>;
  /** APPCMDS, when given. */
  readonly command?: { readonly text: string; readonly where: Location };
}

/** What a Kubefile asks for, before anything is done. */
export interface Plan {
  readonly steps: readonly Step[];
  readonly env: Readonly<Record<string, string>>;
  readonly labels: Readonly<Record<string, string>>;
  readonly maintainer?: string;
  readonly kubeVersion?: string;
  readonly kubeVersionAt?: Location;
  readonly apps: readonly DeclaredApp[];
  readonly launch:
    | { readonly kind: "commands"; readonly commands: readonly { readonly text: string; readonly where: Location }[] }
    | { readonly kind: "apps"; readonly names: readonly string[]; readonly where: Location };
  /** True when the launch brings its own pod network. */
  readonly bringsNetwork: boolean;
  /** Build arguments that no ARG declares. */
  readonly unusedBuildArgs: readonly string[];
}

const CSI_LABEL = "cluster.alpha.sealer.io/kube-csi-";
const KUBE_VERSION_LABEL = "app.alpha.sealer.io/supported-kube-version";
const localScheme = "local://";

/** Turns a Kubefile without errors into a plan. @throws KubefileError UNSUPPORTED for an APP source that is a URL */
export function planBuild(
  kubefile: Kubefile,
  options: { readonly buildArgs: ReadonlyMap<string, string>; readonly platform: Platform },
): Plan {
  const scope = createScope(options.buildArgs, options.platform);
  const state: PlanState = { file: kubefile.file, scope, steps: [], labels: {}, apps: new Map(), commands: [] };
  for (const instruction of kubefile.instructions) apply(instruction, state);
  const { maintainer, kubeVersion, kubeVersionAt, launch } = state;
  return {
    steps: state.steps,
    env: scope.environment(),
    labels: state.labels,
    ...(maintainer === undefined ? {} : { maintainer }),
    ...(kubeVersion === undefined ? {} : { kubeVersion }),
    ...(kubeVersionAt === undefined ? {} : { kubeVersionAt }),
    apps: [...state.apps.values()],
    launch: launch === undefined ? { kind: "commands", commands: state.commands } : { kind: "apps", ...launch },
    bringsNetwork: bringsNetwork(state.labels),
    unusedBuildArgs: scope.undeclared(),
  };
}

interface PlanState {
  readonly file: string;
  readonly scope: Scope;
  readonly steps: Step[];
  labels: Record<string, string>;
  readonly apps: Map<string, DeclaredApp>;
  readonly commands: { text: string; where: Location }[];
  launch?: { names: string[]; where: Location };
  maintainer?: string;
  kubeVersion?: string;
  kubeVersionAt?: Location;
}

function apply(instruction: Instruction, state: PlanState): void {
  const { scope } = state;
  const { line, column } = instruction.span.start;
  const where: Location = { file: state.file, line, column };
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
      state.steps.push({
        ...step,
        kind: "copy",
        sources: instruction.sources.map(scope.expand),
        destination: scope.expand(instruction.destination),
        ...(chmod === undefined ? {} : { chmod: scope.expand(chmod) }),
        unpack: instruction.kind === "ADD",
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
        const { start } = command.span;
        state.commands.push({
          text: command.text,
          where: { file: state.file, line: start.line, column: start.column },
        });
      }
      return;
    case "LAUNCH":
      state.launch = { names: instruction.apps.map(scope.expand), where };
      return;
    default:
      instruction satisfies never;
  }
}

function declareApp(instruction: AppInstruction, state: PlanState, step: { where: Location; shown: string }): void {
  const name = state.scope.expand(instruction.name);
  const kind = instruction.kind === "APP" ? "app" : instruction.kind === "CNI" ? "cni" : "csi";
  const directory = `application/apps/${name}`;
  const sources = instruction.sources.map((source) => {
    const text = state.scope.expand(source);
    if (text.startsWith(localScheme)) return text.slice(localScheme.length);
    throw new KubefileError("UNSUPPORTED", `${instruction.kind} ${name} takes its files from ${text}`, {
      where: { file: state.file, line: source.span.start.line, column: source.span.start.column },
      hint: "fetch it with a RUN step, or put it into the build context and name it local://PATH",
    });
  });
  state.apps.set(name, { name, kind, directory, env: {} });
  if (kind === "cni") setLabel(state, `${CNI_LABEL}${name}`, "true");
  if (kind === "csi") setLabel(state, `${CSI_LABEL}${name}`, "true");
  state.steps.push({ ...step, kind: "copy", sources, destination: `${directory}/`, unpack: false });
}

function changeApp(state: PlanState, name: string, change: (app: DeclaredApp) => Partial<DeclaredApp>): void {
  const app = state.apps.get(name);
  if (app !== undefined) state.apps.set(name, { ...app, ...change(app) });
}

function setLabel(state: PlanState, name: string, value: string): void {
  state.labels = { ...state.labels, [name]: value };
}
