import { fileURLToPath } from "node:url";
import type { Command } from "commander";
import { KubefileError } from "../error.ts";
import { runImage } from "../pipeline/run-image.ts";
import { type CommandContext, newRunId } from "../platform/context.ts";
import { openHost } from "../platform/host.ts";
import { type LaunchFlags, launchInputs, launchOptions } from "../platform/launch-inputs.ts";
import { addInputs } from "./input-options.ts";

interface RunFlags extends LaunchFlags {
  readonly name?: string;
}

export function registerRun(program: Command, context: CommandContext): void {
  const command = program
    .command("run")
    .description("launch a cluster image in a kind cluster that stays, images from the artifact alone")
    .argument("<ref>", "its name in a registry")
    .option("--name <name>", "the cluster's name, after kubefile- (default: random)");
  addInputs(command, launchInputs)
    .addHelpText(
      "after",
      `
Examples:
  kubefile run registry.example/shop:1.0 --name demo --env REPLICAS=1
  kubefile clean --run demo                            removes it again`,
    )
    .action(async (name: string, flags: RunFlags) => {
      if (flags.name !== undefined && !/^[a-z0-9](?:[a-z0-9-]{0,30}[a-z0-9])?$/.test(flags.name)) {
        throw new KubefileError("USAGE", `--name ${JSON.stringify(flags.name)} cannot name a cluster`, {
          hint: "use up to 32 lower-case letters, digits and dashes",
        });
      }
      await using host = await openHost(context, flags, flags.name ?? newRunId());
      const program = fileURLToPath(new URL("../../bin/kubefile", import.meta.url));
      const { cluster, kubeconfig } = await runImage(host, {
        ...(await launchOptions(name, flags, context)),
        serveCommand: (directory) => [process.execPath, program, "serve", directory],
      });
      host.endProgress();
      context.stdout.write(
        `${name} runs in cluster ${cluster}\n\n  export KUBECONFIG=${kubeconfig}\n  kubectl get pods -A\n\nRemove it with: kubefile clean --run ${host.runId}\n`,
      );
    });
}
