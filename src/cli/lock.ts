import type { Command } from "commander";
import { countOf } from "../image/text-table.ts";
import { formatLockDiff } from "../lock/diff-locks.ts";
import { refreshLock } from "../pipeline/refresh-lock.ts";
import type { CommandContext } from "../platform/context.ts";
import { openHost } from "../platform/host.ts";
import { lockInputs } from "../platform/lock-inputs.ts";
import { resolveBuild } from "../platform/resolve-build.ts";
import { addInputs, writtenInputs } from "./input-options.ts";

export function registerLock(program: Command, context: CommandContext): void {
  const command = program
    .command("lock")
    .description("ask registries what the tags in kubefile.lock stand for now, and write that")
    .argument("[context]", "the directory a build reads", ".");
  addInputs(command, lockInputs)
    .addHelpText(
      "after",
      `
The first lock is written by kubefile build --lock: which images a launch needs, a build finds out.

Examples:
  kubefile lock                                      all tags
  kubefile lock --update nginx --update 'ghcr.io/shop/**'
  kubefile lock --check                              exit code 1 when a tag has moved; writes nothing`,
    )
    .action(async (contextPath: string) => {
      const { update = [], check = false, ...flags } = writtenInputs(command, lockInputs);
      const { options, settings } = await resolveBuild(contextPath, flags, context);
      await using host = await openHost(context, settings);
      const { shown, lock, diff } = await refreshLock(host, { ...options, update, check });
      host.endProgress();
      const lines = formatLockDiff(diff);
      const result = lines.length === 0 ? "no tag has moved" : `${countOf(lines.length, "tag")} moved`;
      const report = [...lines, `${shown}: ${countOf(lock.images.length, "image")}, ${result}`];
      context.stdout.write(`${report.join("\n")}\n`);
    });
}
