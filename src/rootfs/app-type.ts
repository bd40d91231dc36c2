import { posix } from "node:path";

export type AppType = "helm" | "kube" | "shell";

/**
 * What an application is made of, judged by the names of its files (relative to its directory).
 *
 * A chart has Chart.yaml and templates, or is one packed chart. Otherwise all files must be manifests, or all must be
 * scripts; a README, LICENSE or NOTICE beside them does not count. undefined: the application needs APPCMDS.
 */
export function detectAppType(files: readonly string[]): AppType | undefined {
  const relevant = files.map((file) => posix.normalize(file)).filter((file) => !isDocument(file));
  if (relevant.length === 0) return undefined;
  if (relevant.includes("Chart.yaml") && relevant.some((file) => file.startsWith("templates/"))) return "helm";
  if (relevant.length === 1 && relevant.every((file) => file.endsWith(".tgz"))) return "helm";
  if (relevant.every((file) => /\.(?:ya?ml|json)$/.test(file))) return "kube";
  if (relevant.every((file) => file.endsWith(".sh"))) return "shell";
  return undefined;
}

function isDocument(file: string): boolean {
  return /^(?:README|LICENSE|NOTICE)(?:\.(?:md|txt|adoc|rst))?$/i.test(posix.basename(file));
}
