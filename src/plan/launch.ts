import { basename } from "node:path";
import { KubefileError, type Location } from "../error.ts";
import type { App, Launch, LaunchCommand } from "../image/types.ts";
import { expandCommandVariables } from "../kubefile/expand.ts";
import type { Plan } from "./plan.ts";
import type { DeclaredApp, PlannedLaunch } from "./planned-launch.ts";

/** What the finished rootfs says about an application's files. */
export interface AppContent {
  readonly type: "kube" | "helm" | "shell" | undefined;
  /** Relative to the application's directory, sorted. */
  readonly files: readonly string[];
}

/**
 * The commands a site will run, now that the rootfs is known: CMD and CMDS as written, or what starts each launched APP.
 *
 * @throws KubefileError KUBEFILE_INVALID for an APP whose files are of no known kind and that has no APPCMDS
 */
export function resolveLaunch(
  plan: Plan,
  contents: ReadonlyMap<string, AppContent>,
): { readonly launch: Launch; readonly apps: readonly App[] } {
  const launched = plan.launch.kind === "apps" ? plan.launch.names : [];
  const apps = plan.apps.map((app): App => {
    const { type, files } = contentOf(app, contents);
    return {
      name: app.name,
      type: app.command === undefined ? (type ?? "custom") : "custom",
      kind: app.kind,
      files: files.map((file) => `${app.directory}/${file}`),
      env: app.env,
      launched: launched.includes(app.name),
      ...(app.command === undefined ? {} : { command: startCommand(plan, app, app.command.text) }),
    };
  });
  const commands =
    plan.launch.kind === "apps" ? appCommands(plan, plan.launch, contents) : plainCommands(plan, plan.launch);
  return { launch: { commands }, apps };
}

function plainCommands(plan: Plan, launch: Extract<PlannedLaunch, { kind: "commands" }>): LaunchCommand[] {
  return launch.commands.map(({ text, where }) => ({
    command: withShellVariables(text, plan.env),
    directory: "",
    env: {},
    source: sourceOf(where),
  }));
}

function appCommands(
  plan: Plan,
  launch: Extract<PlannedLaunch, { kind: "apps" }>,
  contents: ReadonlyMap<string, AppContent>,
): LaunchCommand[] {
  return launch.names.flatMap((name) => {
    const app = plan.apps.find((candidate) => candidate.name === name);
    if (app === undefined) return [];
    const where = app.command?.where ?? launch.where;
    const lines =
      app.command === undefined
        ? defaultCommands(app, contentOf(app, contents), launch.where)
        : [startCommand(plan, app, app.command.text)];
    return lines.map((command) => ({
      command,
      directory: app.directory,
      env: app.env,
      app: name,
      source: sourceOf(where),
    }));
  });
}

function defaultCommands(app: DeclaredApp, { type, files }: AppContent, where: Location): string[] {
  switch (type) {
    case "kube":
      return [`kubectl apply ${files.map((file) => `-f ${shellWord(file)}`).join(" ")}`];
    case "helm": {
      const archive = files.find((file) => file.endsWith(".tgz"));
      const chart = files.includes("Chart.yaml") || archive === undefined ? "." : archive;
      // Not `helm install`, so that launching again at a site upgrades.
      return [`helm upgrade --install ${shellWord(app.name)} ${shellWord(chart)}`];
    }
    case "shell":
      return files.map((file) => `sh ${shellWord(file)}`);
    case undefined:
      throw new KubefileError("KUBEFILE_INVALID", `application ${app.name} is neither chart, manifests nor scripts`, {
        where,
        hint: `say how to start it: APPCMDS ${app.name} ["COMMAND"]`,
      });
  }
}

function contentOf(app: DeclaredApp, contents: ReadonlyMap<string, AppContent>): AppContent {
  return contents.get(app.name) ?? { type: undefined, files: [] };
}

function startCommand(plan: Plan, app: DeclaredApp, text: string): string {
  return withShellVariables(text, { ...plan.env, ...app.env });
}

/** sealos's `$(NAME)` of a declared ENV becomes the shell's, so that a value given at the site still counts. */
function withShellVariables(command: string, env: Readonly<Record<string, string>>): string {
  return expandCommandVariables(command, (name) => (Object.hasOwn(env, name) ? `\${${name}}` : undefined));
}

/** The same on every machine, so it may be part of the artifact: the file's name without its directory. */
function sourceOf(where: Location): string {
  return `${basename(where.file)}:${where.line}`;
}

/** Quotes a word for a POSIX shell when it needs it. */
export function shellWord(text: string): string {
  return /^[\w./:=@%+,-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
