import { chmod, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { CommandContext } from "./context.ts";
import { addToPath } from "./github-files.ts";
import type { SetupFlags } from "./setup-inputs.ts";
import { toolReleases } from "./setup-tools.ts";
import { cachedTool } from "./tool-cache.ts";
import { packageVersion } from "./version.ts";

/**
 * Puts programs and `kubefile` itself on PATH for the steps that follow.
 *
 * @param machine this process: its program, and what it runs on
 * @throws KubefileError USAGE, TOOL_MISSING
 */
export async function setupInJob(
  context: CommandContext,
  asked: SetupFlags,
  machine: {
    readonly node: string;
    readonly platform: string;
    readonly architecture: string;
    readonly temporary: string;
  },
): Promise<void> {
  const { env, platform, stdout } = context;
  for (const release of toolReleases(asked, `${machine.platform}/${machine.architecture}`)) {
    const directory = await cachedTool(release, machine.architecture);
    await addToPath(env, directory);
    await platform.output(`${release.name}-version`, release.version);
    stdout.write(`${release.name} ${release.version}: ${directory}\n`);
  }
  const directory = join(machine.temporary, "kubefile-bin");
  await mkdir(directory, { recursive: true });
  const program = join(directory, "kubefile");
  const command = fileURLToPath(new URL("../../bin/kubefile", import.meta.url));
  // The runner's own node runs actions; none needs to be on PATH.
  await writeFile(program, `#!/bin/sh\nexec ${quoted(machine.node)} ${quoted(command)} "$@"\n`);
  await chmod(program, 0o755);
  await addToPath(env, directory);
  await platform.output("kubefile-version", packageVersion());
  stdout.write(`kubefile ${packageVersion()}: ${directory}\n`);
}

function quoted(path: string): string {
  return `'${path.replaceAll("'", `'\\''`)}'`;
}
