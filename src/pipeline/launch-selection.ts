import { KubefileError } from "../error.ts";
import type { ClusterImageConfig, LaunchCommand } from "../image/types.ts";
import { shellWord } from "../plan/launch.ts";

/**
 * The commands of a launch: all, or those of the applications that the user names.
 *
 * @throws KubefileError USAGE for an application that the image does not launch
 */
export function selectCommands(config: ClusterImageConfig, apps: readonly string[]): readonly LaunchCommand[] {
  if (apps.length === 0) return config.launch.commands;
  const launched = [...new Set(config.launch.commands.flatMap(({ app }) => app ?? []))];
  const unknown = apps.filter((app) => !launched.includes(app));
  if (unknown.length > 0) {
    throw new KubefileError("USAGE", `the cluster image launches no application ${unknown.map(shellWord).join(", ")}`, {
      hint: launched.length === 0 ? "it has no APPs; leave out --app" : `it launches ${launched.join(", ")}`,
    });
  }
  return config.launch.commands.filter(({ app }) => app !== undefined && apps.includes(app));
}
