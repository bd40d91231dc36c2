import { errorMessage } from "../error.ts";
import type { CommandContext } from "./context.ts";

/**
 * Writes what was found out to the pull or merge request. A comment that cannot be written fails nothing: the same text
 * stands on the page of the run.
 *
 * @returns where it can be read, when that is known
 */
export async function writeNote(context: CommandContext, key: string, markdown: string): Promise<string | undefined> {
  const { platform, signal } = context;
  const note = await platform.stickyNote(key, markdown).catch((error: unknown) => {
    signal.throwIfAborted();
    return { state: "skipped", reason: errorMessage(error) } as const;
  });
  if (note.state === "written") return note.url;
  if (platform.name !== "terminal") {
    platform.annotate({ level: "notice", message: `no comment was written: ${note.reason}` });
  }
  return undefined;
}
