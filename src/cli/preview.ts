import type { Command } from "commander";
import type { CommandContext } from "../platform/context.ts";
import { previewInputs } from "../platform/preview-inputs.ts";
import { runPreview } from "../platform/run-preview.ts";
import { addInputs, askedInputs } from "./input-options.ts";

export function registerPreview(program: Command, context: CommandContext): void {
  const command = program
    .command("preview")
    .description("build a cluster image, launch it with the network cut, run a test against it, and remove it all")
    .argument("<subject>", "a build context, which is a directory, or a cluster image's name at a registry");
  addInputs(command, previewInputs)
    .addHelpText(
      "after",
      `
The test runs here, with KUBECONFIG and the variables of forwarded ports, and nothing of this environment but PATH,
HOME and the like; --test-env names more. Tags and pushes of kubefile.yaml are left out: a preview is not the real thing.

Examples:
  kubefile preview --port-forward svc/web:80 --test ./smoke-test.sh .
  kubefile preview --env REPLICAS=1 --values cart=preview-values.yaml .
  kubefile preview --verdict verdict.json --comment comment.md registry.example/shop:pr-12`,
    )
    .action(async (subject: string) => {
      await runPreview(subject, askedInputs(command, previewInputs, context.env), context);
    });
}
