import { countOf } from "../image/text-table.ts";
import type { CacheRecord } from "./types.ts";

/** A record in a line, for lists: a step as its line of the Kubefile, a rehearsal with the number of its images. */
export function recordTitle(record: CacheRecord): string {
  switch (record.kind) {
    case "step":
      return record.shown ?? (record.layer === undefined ? "a step that changed nothing" : "a step");
    case "rootfs": {
      const apps = record.apps.length === 0 ? "" : `, ${countOf(record.apps.length, "application")}`;
      return `rootfs of ${countOf(record.layers.length, "layer")}${apps}`;
    }
    case "launch": {
      const images = countOf(record.images.length, "image");
      return record.grade === "static" ? `${images} named in files` : `rehearsal with ${images}, ${record.grade}`;
    }
  }
}
