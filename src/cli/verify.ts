import { type Command, Option } from "commander";
import type { CommandContext } from "../platform/context.ts";
import { launchInputs } from "../platform/launch-inputs.ts";
import { verifyInJob } from "../platform/verify-job.ts";
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
    .action(async (reference: string, { format }: { readonly format: "pretty" | "json" }) => {
      const asked = askedInputs(command, launchInputs, context.env);
      const { verdict } = await verifyInJob(context, { reference, asked, format });
      if (verdict !== "passed") setExitCode(1);
    });
}
