import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Command } from "commander";
import { engineEnvironment, engineFor } from "../cluster/engine.ts";
import { type ServeSettings, serveArtifact } from "../pipeline/serve.ts";
import type { CommandContext } from "../platform/context.ts";

/** Milliseconds. */
const LOOK_AGAIN = 15_000;

/** Not for people: `kubefile run` and lasting previews start it, so it is not listed in the help. */
export function registerServe(program: Command, context: CommandContext): void {
  program
    .command("serve", { hidden: true })
    .argument("<directory>", "the run's directory")
    .action(async (directory: string) => {
      const settings: ServeSettings = JSON.parse(await readFile(join(directory, "serve.json"), "utf8"));
      await serveArtifact({
        settings,
        engine: engineFor(engineEnvironment(context.env)),
        onListening: (ports) => context.stdout.write(`${["listening", ...ports].join(" ")}\n`),
        signal: context.signal,
        interval: LOOK_AGAIN,
      });
    });
}
