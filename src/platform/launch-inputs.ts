import { parseReference } from "../oci/reference.ts";
import type { ArtifactLaunch } from "../pipeline/artifact-launch.ts";
import { defaultQuietWindow, defaultRunImage, defaultTimeout } from "../pipeline/options.ts";
import { clusterInputs, hostInputs } from "./build-inputs.ts";
import type { CommandContext } from "./context.ts";
import { absolute, parseVariables } from "./input-values.ts";
import type { Inputs, ValuesOf } from "./inputs.ts";

/** What launching a cluster image takes: `kubefile run` and `kubefile verify`, and their actions and components. */
export const launchInputs = {
  env: { kind: "map", value: "k=v", help: "a value for the launch, over those of the image" },
  app: { kind: "list", value: "name", jobName: "apps", help: "launch this application only" },
  ...clusterInputs,
  ...hostInputs,
} as const satisfies Inputs;

export type LaunchFlags = ValuesOf<typeof launchInputs>;

export function launchOptions(name: string, flags: LaunchFlags, context: CommandContext): ArtifactLaunch {
  return {
    reference: parseReference(name),
    nodeImage: flags.nodeImage,
    kindConfig: flags.kindConfig === undefined ? undefined : absolute(flags.kindConfig, context.cwd),
    runImage: flags.runImage ?? defaultRunImage,
    env: parseVariables(flags.env ?? [], "--env"),
    apps: flags.app ?? [],
    quietWindow: flags.quietWindow ?? defaultQuietWindow,
    timeout: flags.timeout ?? defaultTimeout,
  };
}
