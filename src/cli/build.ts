import type { Command } from "commander";
import { buildInputs } from "../platform/build-inputs.ts";
import { buildInJob } from "../platform/build-job.ts";
import type { CommandContext } from "../platform/context.ts";
import { addInputs, askedInputs } from "./input-options.ts";

export function registerBuild(program: Command, context: CommandContext): void {
  const command = program
    .command("build")
    .description("build a cluster image: run the Kubefile, rehearse the launch, capture every image")
    .argument("<context>", "the directory a build reads");
  addInputs(command, buildInputs)
    .addHelpText(
      "after",
      `
Defaults come from kubefile.yaml beside the Kubefile; flags win.

Examples:
  kubefile build -t registry.example/shop:1.0 --push .
  kubefile build -t shop:dev -o type=oci,dest=shop.tar --build-arg VERSION=1.2 .
  kubefile build --secret id=npm,src=$HOME/.npmrc .   for a RUN that mounts it
  kubefile build --capture static .                  without an engine; grade static
  kubefile build --capture static --platform linux/amd64,linux/arm64 -t registry.example/shop:1.0 --push .
  kubefile build --mirror docker.io=https://mirror.example --include quay.io/acme/debug:1 .`,
    )
    .action(async (directory: string) => {
      await buildInJob(context, { directory, asked: askedInputs(command, buildInputs, context.env) });
    });
}
