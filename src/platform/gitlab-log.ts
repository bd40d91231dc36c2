import type { GroupMarkers } from "./grouped-progress.ts";
import type { TextOutput } from "./platform.ts";

/**
 * Folds parts of a job's log. Sections are folded from the start: what a phase came to stands below them.
 *
 * @see https://docs.gitlab.com/ci/jobs/job_logs/#create-custom-collapsible-sections
 * @param clock seconds since 1970, by which GitLab shows how long a section took
 */
export function sectionMarkers(log: TextOutput, clock: () => number): GroupMarkers {
  let sections = 0;
  const name = (title: string): string =>
    `kubefile_${sections}_${title
      .toLowerCase()
      .replace(/[^a-z0-9]+/g, "_")
      .slice(0, 40)}`;
  return {
    open(title) {
      sections += 1;
      log.write(`\u001b[0Ksection_start:${clock()}:${name(title)}[collapsed=true]\r\u001b[0K${title}\n`);
    },
    close(title) {
      log.write(`\u001b[0Ksection_end:${clock()}:${name(title)}\r\u001b[0K\n`);
    },
  };
}

/** Takes from text the power to begin and end sections; the marks themselves are letters, which a stranger may write. */
export function withoutSections(text: string): string {
  return text.replace(/section_(?=(?:start|end):\d)/g, "section_\u200b");
}

/** Secrets that a log must not show, in the forms in which they may appear there. */
export interface Mask {
  add(secret: string): void;
  hide(text: string): string;
}

export function createMask(): Mask {
  const forms = new Set<string>();
  return {
    add(secret) {
      // Shorter ones would take letters out of ordinary words.
      if (secret.length < 4) return;
      for (const form of [secret, encodeURIComponent(secret), JSON.stringify(secret).slice(1, -1)]) forms.add(form);
    },
    hide: (text) =>
      [...forms]
        .sort((a, b) => b.length - a.length)
        .reduce((hidden, form) => hidden.replaceAll(form, "[MASKED]"), text),
  };
}

/** An output through which neither a secret nor a mark of a section gets; each write is of whole lines. */
export function guarded(output: TextOutput, mask: Mask): TextOutput {
  return {
    write: (text) => output.write(withoutSections(mask.hide(text))),
    get isTTY() {
      return output.isTTY;
    },
    get columns() {
      return output.columns;
    },
  };
}
