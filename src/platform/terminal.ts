import type { NoteOutcome, Platform } from "./platform.ts";

const nowhere: NoteOutcome = { state: "skipped", reason: "this is no job of a CI system" };

/** A person's terminal, a pipe, or a CI system that we know nothing of: whatever is to be seen is printed anyway. */
export const terminal: Platform = {
  name: "terminal",
  renderer: () => undefined,
  guard: (output) => output,
  annotate: () => undefined,
  mask: () => undefined,
  summary: async () => undefined,
  output: async () => undefined,
  stickyNote: async () => nowhere,
  commitStatus: async () => nowhere,
  publishRelease: async () => nowhere,
};
