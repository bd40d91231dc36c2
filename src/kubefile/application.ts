import { posix } from "node:path";

/** How an application is launched when no APPCMDS says otherwise. */
export type ApplicationType = "helm" | "kube" | "shell";

/**
 * The type of an application from its files, paths relative to its directory: a chart (a directory with Chart.yaml, or
 * one packed chart) is `helm`, manifests alone are `kube`, scripts alone are `shell`. Undefined for anything else: such
 * an application needs APPCMDS. Unlike sealer, a chart needs no values.yaml, and a packed chart is one.
 */
export function applicationType(files: readonly string[]): ApplicationType | undefined {
  if (files.length === 0) return undefined;
  if (files.includes("Chart.yaml")) return "helm";
  if (files.length === 1 && /\.tgz$/i.test(files[0] ?? "")) return "helm";
  if (files.every((file) => /\.ya?ml$/i.test(file))) return "kube";
  if (files.every((file) => /\.sh$/i.test(file))) return "shell";
  return undefined;
}

/**
 * The command lines that launch an application of a known type, run in the root of the cluster image. Like sealer, in
 * the order of the paths; unlike sealer, a chart can be launched a second time.
 */
export function applicationCommands(
  name: string,
  directory: string,
  type: ApplicationType,
  files: readonly string[],
): readonly string[] {
  const paths = [...files].sort().map((file) => shellQuoted(posix.join(directory, file)));
  switch (type) {
    case "helm": {
      const chart = files.includes("Chart.yaml") ? shellQuoted(directory) : (paths[0] ?? shellQuoted(directory));
      return [`helm upgrade --install ${shellQuoted(name)} ${chart}`];
    }
    case "kube":
      return paths.map((path) => `kubectl apply -f ${path}`);
    case "shell":
      return paths.map((path) => `sh ${path}`);
    default:
      return type satisfies never;
  }
}

function shellQuoted(text: string): string {
  return /^[\w./@:=+-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
