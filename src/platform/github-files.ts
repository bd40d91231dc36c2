import { randomUUID } from "node:crypto";
import { appendFile } from "node:fs/promises";
import type { Environment } from "./platform.ts";

/**
 * One entry of the files by which a step hands on values; the delimiter is a word that no value can know.
 *
 * @see https://docs.github.com/actions/reference/workflows-and-actions/workflow-commands#environment-files
 */
export function fileCommand(name: string, value: string): string {
  const delimiter = `kubefile_${randomUUID()}`;
  return `${name}<<${delimiter}\n${value}\n${delimiter}\n`;
}

/** Does nothing where the runner names no such file. */
export async function appendTo(file: string | undefined, text: string): Promise<void> {
  if (file !== undefined && file !== "") await appendFile(file, text);
}

/** Puts a directory in front of PATH for the steps that follow. */
export async function addToPath(env: Environment, directory: string): Promise<void> {
  await appendTo(env.GITHUB_PATH, `${directory}\n`);
}

/** Tells the step that runs after the job which runs it has to look after; call it before anything is made. */
export async function rememberRun(env: Environment, ...runIds: readonly string[]): Promise<void> {
  await appendTo(env.GITHUB_STATE, fileCommand("run", runIds.join(" ")));
}

/** The runs that the action of this step began; none when it did not come that far. */
export function rememberedRuns(env: Environment): readonly string[] {
  return (env.STATE_run ?? "").split(" ").filter((runId) => runId !== "");
}
