import type { Command } from "commander";
import { KubefileError } from "../error.ts";
import { resolveLocal } from "../image/local-tags.ts";
import { readNameHere } from "../image/name-here.ts";
import { pushStored } from "../pipeline/push-stored.ts";
import { type HostFlags, hostInputs } from "../platform/build-inputs.ts";
import type { CommandContext } from "../platform/context.ts";
import { openHost } from "../platform/host.ts";
import { parseTarget } from "../platform/input-values.ts";
import type { Inputs } from "../platform/inputs.ts";
import { parsePlatformInput, platformInput } from "../platform/platform-input.ts";
import { openStore } from "../store/store.ts";
import { addInputs } from "./input-options.ts";

const pushInputs = {
  platform: { ...platformInput.platform, without: "all of them" },
  ...hostInputs,
} as const satisfies Inputs;

interface PushFlags extends HostFlags {
  readonly platform?: string;
}

export function registerPush(program: Command, context: CommandContext): void {
  const command = program
    .command("push")
    .description("send a cluster image that was built here to a registry; what is there already is not sent")
    .argument("<ref>", "its name here, or its digest")
    .argument("[target]", "its name there (default: the same)");
  addInputs(command, pushInputs)
    .addHelpText(
      "after",
      "\nExamples:\n  kubefile push registry.example/shop:1.0\n  kubefile push shop:dev registry.example/shop:1.0",
    )
    .action(async (name: string, target: string | undefined, flags: PushFlags) => {
      await using host = await openHost(context, flags);
      await using store = await openStore(host.directories.store);
      const reference = await readNameHere(store.directory, name);
      if (target === undefined && reference.digest !== undefined) {
        throw new KubefileError("USAGE", `${name} is a digest, which does not say where to push to`, {
          hint: "add the name there: kubefile push DIGEST REGISTRY/NAME:TAG",
        });
      }
      const local = await resolveLocal(store.directory, reference);
      if (local === undefined) {
        throw new KubefileError("USAGE", `there is no cluster image ${name} here`, {
          hint: "`kubefile images` lists them; build it with `kubefile build -t NAME .`; one that its build has pushed need not be here",
        });
      }
      const { digest } = await pushStored(host, store, {
        ...{ name, digest: local.digest, target: parseTarget(target ?? name) },
        platform: parsePlatformInput(flags.platform),
      });
      host.endProgress();
      context.stdout.write(`${target ?? name}@${digest}\n`);
    });
}
