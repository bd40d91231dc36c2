import type { Command } from "commander";
import { KubefileError } from "../error.ts";
import { resolveLocal } from "../image/local-tags.ts";
import { readClusterImage } from "../image/read.ts";
import { parseReference } from "../oci/reference.ts";
import { pushImage } from "../pipeline/push.ts";
import { type HostFlags, hostInputs } from "../platform/build-inputs.ts";
import type { CommandContext } from "../platform/context.ts";
import { openHost } from "../platform/host.ts";
import { parseTarget } from "../platform/input-values.ts";
import { openStore } from "../store/store.ts";
import { addInputs } from "./input-options.ts";

export function registerPush(program: Command, context: CommandContext): void {
  const command = program
    .command("push")
    .description("send a cluster image that was built here to a registry; what is there already is not sent")
    .argument("<ref>", "its name here")
    .argument("[target]", "its name there (default: the same)");
  addInputs(command, hostInputs)
    .addHelpText(
      "after",
      "\nExamples:\n  kubefile push registry.example/shop:1.0\n  kubefile push shop:dev registry.example/shop:1.0",
    )
    .action(async (name: string, target: string | undefined, flags: HostFlags) => {
      await using host = await openHost(context, flags);
      await using store = await openStore(host.directories.store);
      const local = await resolveLocal(store.directory, parseReference(name));
      if (local === undefined) {
        throw new KubefileError("USAGE", `there is no cluster image ${name} here`, {
          hint: "`kubefile images` lists them; build it with `kubefile build -t NAME .`; one that its build has pushed need not be here",
        });
      }
      const image = await readClusterImage(store, local.digest);
      const [pushed] = await pushImage(host, store, image, [parseTarget(target ?? name)]);
      host.endProgress();
      context.stdout.write(`${target ?? name}@${pushed?.digest ?? image.digest}\n`);
    });
}
