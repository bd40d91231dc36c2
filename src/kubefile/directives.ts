import { quoted, type Report } from "./diagnostic.ts";

/** What continues a line and takes a character's special meaning away. */
export type EscapeCharacter = "\\" | "`";

const directive = /^\s*#\s*([A-Za-z][A-Za-z0-9]*)\s*=\s*(.*?)\s*$/;

/**
 * Reads the parser directives, `# name=value` comments before everything else, and gives the escape character.
 * `syntax` and `check` belong to BuildKit and mean nothing here; other names are plain comments and end the directives.
 */
export function readDirectives(physical: readonly string[], report: Report): EscapeCharacter {
  let escapeCharacter: EscapeCharacter = "\\";
  for (const [index, line] of physical.entries()) {
    const match = directive.exec(line);
    const name = match?.[1]?.toLowerCase();
    const value = match?.[2] ?? "";
    if (name === "syntax" || name === "check") continue;
    if (name !== "escape") break;
    if (value === "\\" || value === "`") {
      escapeCharacter = value;
    } else {
      report({
        severity: "error",
        code: "invalid-directive",
        message: `${quoted(value)} cannot be the escape character`,
        hint: "write # escape=\\ or # escape=`",
        span: { start: { line: index + 1, column: 1 }, end: { line: index + 1, column: line.length + 1 } },
      });
    }
  }
  return escapeCharacter;
}
