import type { Command } from "commander";
import { formatReport } from "../image/report-text.ts";
import { build } from "../pipeline/build.ts";
import { buildInputs } from "../platform/build-inputs.ts";
import { type CommandContext, showsColor } from "../platform/context.ts";
import { openHost } from "../platform/host.ts";
import { resolveBuild } from "../platform/resolve-build.ts";
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
  kubefile build --capture static .                  without an engine; grade static
  kubefile build --mirror docker.io=https://mirror.example --include quay.io/acme/debug:1 .`,
    )
    .action(async (contextPath: string) => {
      const asked = askedInputs(command, buildInputs, context.env);
      const { options, settings } = await resolveBuild(contextPath, asked, context);
      await using host = await openHost(context, settings);
      const result = await build(host, options);
      host.endProgress();
      context.stdout.write(
        formatReport(result.report, {
          color: showsColor(context.stdout, context.env),
          width: context.stdout.columns ?? 120,
        }),
      );
    });
}
