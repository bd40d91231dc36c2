import type { Grade } from "../capture/types.ts";

/** What a grade promises, in a few words. */
export const gradeMeaning: Readonly<Record<Grade, string>> = {
  ready: "every pod of the launch became ready",
  pulled: "every image was pulled, but not every pod became ready",
  static: "found in files alone; nothing was launched",
};
