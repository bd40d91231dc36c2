import { KubefileError } from "../error.ts";

/** A comment of HTML, which both platforms keep and neither shows: by it a note is found again. */
function marker(key: string): string {
  if (!/^[a-z0-9]+(?:-[a-z0-9]+)*$/.test(key) || key.length > 64) {
    throw new KubefileError("USAGE", `--key ${JSON.stringify(key)} cannot name a note`, {
      hint: "use up to 64 lower-case letters, digits and single dashes",
    });
  }
  return `<!-- kubefile:${key} -->`;
}

/** What is sent to the platform: the mark, and the text without what GitLab would take for a quick action. */
export function noteBody(key: string, markdown: string): string {
  return `${marker(key)}\n${withoutQuickActions(markdown).trimEnd()}\n`;
}

export function opensNote(key: string, body: string): boolean {
  return body.startsWith(marker(key));
}

/**
 * GitLab obeys lines such as `/merge` and `/approve` in the name of whoever writes the note; in blocks of code it does
 * not, and there the text stays as it is.
 *
 * @see https://docs.gitlab.com/user/project/quick_actions/
 */
function withoutQuickActions(markdown: string): string {
  let fence: string | undefined;
  return markdown
    .split("\n")
    .map((line) => {
      const [, run] = /^ {0,3}(`{3,}|~{3,})/.exec(line) ?? [];
      const closes = fence !== undefined && run?.startsWith(fence) === true && line.trim() === run;
      if (closes) fence = undefined;
      else if (fence === undefined && run !== undefined) fence = run;
      return fence === undefined && run === undefined ? line.replace(/^(\s*)\//, "$1&#47;") : line;
    })
    .join("\n");
}
