import { existsSync } from "node:fs";
import { stat } from "node:fs/promises";
import { relative, resolve } from "node:path";
import { formatLocation } from "../error.ts";
import { printable } from "../process/printable.ts";
import { guarded, workflowCommand } from "./github-command.ts";
import { appendTo, fileCommand } from "./github-files.ts";
import { createGroupedRenderer } from "./grouped-progress.ts";
import type { Annotation, Environment, Platform, TextOutput } from "./platform.ts";

/** Bytes that the page takes of one step; of more it shows nothing at all. */
export const longestSummary = 1024 * 1024;
/** Characters of an annotation that its page shows. */
const LONGEST_MESSAGE = 4_000;

/** A job of GitHub Actions, or of a runner that speaks the same: commands in the log, files for all else. */
export function createGitHubPlatform(process: {
  readonly env: Environment;
  readonly cwd: string;
  readonly log: TextOutput;
  readonly signal: AbortSignal;
}): Platform {
  const { env, log } = process;
  const command = (...words: Parameters<typeof workflowCommand>): void => void log.write(workflowCommand(...words));
  const annotate = (annotation: Annotation): void =>
    command(annotation.level, placeOf(annotation, process), messageOf(annotation, process.cwd));
  return {
    name: "github",
    renderer(now) {
      const grouped = createGroupedRenderer(guarded(log), now, {
        open: (title) => command("group", {}, title),
        close: () => command("endgroup", {}, ""),
      });
      return {
        close: grouped.close,
        render: (event) => {
          if (event.type !== "note" || event.level !== "warning") return grouped.render(event);
          annotate({
            level: "warning",
            message: event.text,
            ...(event.where === undefined ? {} : { where: event.where }),
          });
        },
      };
    },
    guard: guarded,
    annotate,
    mask: (secret) => {
      // A runner masks line by line, and refuses to mask nothing.
      for (const line of secret.split(/\r?\n/)) if (line.trim() !== "") command("add-mask", {}, line);
    },
    summary: async (markdown) => await appendSummary(env.GITHUB_STEP_SUMMARY, `${markdown.trimEnd()}\n`),
    output: async (name, value) => await appendTo(env.GITHUB_OUTPUT, fileCommand(name, value)),
    // Few jobs write anything, and every log would begin later for it.
    stickyNote: async (key, markdown) =>
      await (await import("./github-writing.ts")).writeStickyComment(process, key, markdown),
    commitStatus: async (status) => await (await import("./github-writing.ts")).setGitHubStatus(process, status),
    publishRelease: async (release) => await (await import("./github-writing.ts")).releaseOnGitHub(process, release),
  };
}

/** Several commands of one step write to the same page. */
async function appendSummary(file: string | undefined, text: string): Promise<void> {
  const written = file === undefined || file === "" ? undefined : await stat(file).catch(() => undefined);
  const room = longestSummary - (written?.size ?? 0);
  const note = "This page has no room for more; the log has it.\n";
  if (Buffer.byteLength(text) <= room) await appendTo(file, text);
  else if (Buffer.byteLength(note) <= room) await appendTo(file, note);
}

function placeOf(
  { where, title }: Annotation,
  { env, cwd }: { readonly env: Environment; readonly cwd: string },
): Record<string, string | number | undefined> {
  if (where === undefined || !isHere(where.file, cwd)) return { title };
  // The page looks for files from the repository's root on.
  const file = relative(env.GITHUB_WORKSPACE ?? cwd, resolve(cwd, where.file));
  return { file, line: where.line, col: where.column, title };
}

/** Files of the rootfs may be made by a build alone, and then are in no repository that could be marked. */
function isHere(file: string, cwd: string): boolean {
  return existsSync(resolve(cwd, file));
}

function messageOf({ message, where }: Annotation, cwd: string): string {
  const place = where === undefined ? "" : formatLocation(where);
  const isTold = place === "" || isHere(where?.file ?? "", cwd) || message.includes(place);
  const lines = (isTold ? message : `${place} of the rootfs: ${message}`)
    .split("\n")
    .map(printable)
    .join("\n")
    .trimEnd();
  return lines.length > LONGEST_MESSAGE ? `${lines.slice(0, LONGEST_MESSAGE)}…` : lines;
}
