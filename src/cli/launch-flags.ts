import type { Command } from "commander";
import { parseReference } from "../oci/reference.ts";
import type { ArtifactLaunch } from "../pipeline/artifact-launch.ts";
import { defaultQuietWindow, defaultRunImage, defaultTimeout } from "../pipeline/options.ts";
import type { CommandContext } from "./context.ts";
import { absolute, collect, duration, parseVariables, progressOption } from "./flags.ts";
import type { HostFlags } from "./host.ts";

/** Flags of the verbs that launch a cluster image: run and verify. */
export interface LaunchFlags extends HostFlags {
  readonly env?: readonly string[];
  readonly app?: readonly string[];
  readonly nodeImage?: string;
  readonly kindConfig?: string;
  readonly runImage?: string;
  readonly quietWindow?: number;
  readonly timeout?: number;
}

export function addLaunchFlags(command: Command): Command {
  return command
    .option("--env <k=v>", "a value for the launch, over those of the image; may be given several times", collect)
    .option("--app <name>", "launch this application only; may be given several times", collect)
    .option("--node-image <image>", "the kind node image (default: by the image's KUBEVERSION)")
    .option("--kind-config <file>", "a kind configuration to build upon")
    .option("--run-image <image>", "the launch container's image")
    .option("--quiet-window <time>", "how long nothing new may appear (default: 20s)", duration("--quiet-window"))
    .option("--timeout <time>", "how long the launch may take to settle (default: 10m)", duration("--timeout"))
    .option("--mirror <host=url>", "reach the registry elsewhere; may be given several times", collect)
    .option("--insecure <host>", "a registry that speaks http or has a private address", collect)
    .addOption(progressOption())
    .option("--store <dir>", "the local blob store");
}

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
