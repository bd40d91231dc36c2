import type { TextOutput } from "./platform.ts";

/**
 * A line that the runner of GitHub Actions takes for a command.
 *
 * @see https://docs.github.com/actions/reference/workflows-and-actions/workflow-commands
 */
export function workflowCommand(
  name: string,
  properties: Readonly<Record<string, string | number | undefined>>,
  data: string,
): string {
  const written = Object.entries(properties).flatMap(([key, value]) =>
    value === undefined || value === "" ? [] : [`${key}=${escapeProperty(String(value))}`],
  );
  return `::${name}${written.length === 0 ? "" : ` ${written.join(",")}`}::${escapeData(data)}\n`;
}

/** `%` first: it begins the other escapes. */
function escapeData(text: string): string {
  return text.replaceAll("%", "%25").replaceAll("\r", "%0D").replaceAll("\n", "%0A");
}

function escapeProperty(text: string): string {
  return escapeData(text).replaceAll(":", "%3A").replaceAll(",", "%2C");
}

/**
 * Takes from text the power to command the runner, which obeys `::name::` where a line begins, blanks left aside, and the
 * older `##[name]` wherever it stands. Text is names of images, output of programs, lines of a Kubefile: all of strangers.
 * Inside JSON the second form stays what it was, as `[` may be written as an escape there. The runner's blanks are those
 * of .NET, to which U+0085 belongs.
 */
export function withoutCommands(text: string): string {
  return text.replace(/^([\s\u0085]*):(?=:)/gmu, "$1\u200b:").replaceAll("##[", "##\\u005b");
}

/** An output through which no command gets; each write is of whole lines. */
export function guarded(output: TextOutput): TextOutput {
  return {
    write: (text) => output.write(withoutCommands(text)),
    get isTTY() {
      return output.isTTY;
    },
    get columns() {
      return output.columns;
    },
  };
}
