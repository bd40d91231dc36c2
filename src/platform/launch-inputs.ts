import { parseReference } from "../oci/reference.ts";
import type { ArtifactLaunch } from "../pipeline/artifact-launch.ts";
import type { ChartValues } from "../pipeline/chart-values.ts";
import { defaultQuietWindow, defaultRunImage, defaultTimeout } from "../pipeline/options.ts";
import { clusterInputs, hostInputs } from "./build-inputs.ts";
import type { CommandContext } from "./context.ts";
import { absolute, launchTimes, parseKeyValues, parseVariables, requireFile } from "./input-values.ts";
import type { Inputs, ValuesOf } from "./inputs.ts";
import { parsePlatformInput, platformInput } from "./platform-input.ts";

/** What launching a cluster image takes: `kubefile run` and `kubefile verify`, and their actions and components. */
export const launchInputs = {
  env: { kind: "map", value: "k=v", help: "a value for the launch, over those of the image" },
  app: { kind: "list", value: "name", jobName: "apps", help: "launch this application only" },
  values: { kind: "map", value: "chart=file", help: "values for a chart of the rootfs, over its own" },
  ...platformInput,
  ...clusterInputs,
  ...hostInputs,
} as const satisfies Inputs;

export type LaunchFlags = ValuesOf<typeof launchInputs>;

/** @throws KubefileError USAGE, REFERENCE_INVALID */
export async function launchOptions(
  name: string,
  flags: LaunchFlags,
  context: CommandContext,
): Promise<ArtifactLaunch> {
  const platform = parsePlatformInput(flags.platform);
  return {
    artifact: { kind: "registry", reference: parseReference(name), platform },
    ...(await launchSettings(flags, context)),
  };
}

/** How to launch, whatever it is. @throws KubefileError USAGE, also for files that would be missed only by the cluster */
export async function launchSettings(
  flags: LaunchFlags,
  context: CommandContext,
): Promise<Omit<ArtifactLaunch, "artifact">> {
  const kindConfig = flags.kindConfig === undefined ? undefined : absolute(flags.kindConfig, context.cwd);
  const values = parseValues(flags.values ?? [], context);
  if (kindConfig !== undefined) await requireFile(kindConfig, "--kind-config");
  for (const { file } of values) await requireFile(file, "--values");
  return {
    nodeImage: flags.nodeImage,
    kindConfig,
    runImage: flags.runImage ?? defaultRunImage,
    env: parseVariables(flags.env ?? [], "--env"),
    apps: flags.app ?? [],
    values,
    ...launchTimes({
      quietWindow: flags.quietWindow ?? defaultQuietWindow,
      timeout: flags.timeout ?? defaultTimeout,
    }),
  };
}

/** Several files for one chart are merged in their order. */
function parseValues(words: readonly string[], { cwd }: CommandContext): ChartValues[] {
  return words.flatMap((word) =>
    [...parseKeyValues([word], "--values", "CHART=FILE")].map(([chart, file]) => ({
      chart,
      file: absolute(file, cwd),
    })),
  );
}
