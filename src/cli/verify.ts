import { type Command, Option } from "commander";
import { formatVerdict } from "../pipeline/verdict-text.ts";
import { verify } from "../pipeline/verify.ts";
import { type CommandContext, showsColor } from "../platform/context.ts";
import { openHost } from "../platform/host.ts";
import { launchInputs, launchOptions } from "../platform/launch-inputs.ts";
import { addInputs, askedInputs } from "./input-options.ts";

export function registerVerify(program: Command, context: CommandContext, setExitCode: (code: number) => void): void {
  const command = program
    .command("verify")
    .description("prove that a cluster image starts with the network cut, in a cluster of its own")
    .argument("<ref>", "its name in a registry");
  addInputs(command, launchInputs)
    .addOption(
      new Option("--format <format>", "how the verdict is printed").choices(["pretty", "json"]).default("pretty"),
    )
    .addHelpText(
      "after",
      `
The nodes get images from the artifact alone. Before the cut a canary on this machine must answer from node, pods and
launch container, and after it from none; otherwise the verdict is "invalid".

Examples:
  kubefile verify registry.example/shop:1.0
  kubefile verify --env REPLICAS=1 --format json registry.example/shop@sha256:...`,
    )
    .action(async (name: string, { format }: { readonly format: "pretty" | "json" }) => {
      const asked = askedInputs(command, launchInputs, context.env);
      await using host = await openHost(context, asked);
      const verdict = await verify(host, launchOptions(name, asked, context));
      host.endProgress();
      context.stdout.write(
        format === "json"
          ? `${JSON.stringify({ reference: name, ...verdict }, undefined, 2)}\n`
          : formatVerdict(name, verdict, showsColor(context.stdout, context.env)),
      );
      if (verdict.verdict !== "passed") setExitCode(1);
    });
}
