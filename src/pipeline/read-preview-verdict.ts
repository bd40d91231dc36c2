import { KubefileError } from "../error.ts";
import { compileSchema } from "../image/schema.ts";
import type { PreviewVerdict } from "./preview-verdict.ts";

/** Characters; a verdict caps each of its parts. */
const LONGEST_VERDICT = 4 * 1024 * 1024;

/**
 * Reads a verdict that another job wrote, one of a stranger's change maybe: only what fits the schema passes.
 *
 * @param shown what messages call it
 * @throws KubefileError USAGE
 */
export function readPreviewVerdict(text: string, shown: string): PreviewVerdict {
  const refused = (why: string): KubefileError =>
    new KubefileError("USAGE", `${shown} is no verdict of a preview: ${why}`, {
      hint: "`kubefile preview --verdict FILE` writes one; schemas/preview.schema.json describes it",
    });
  if (text.length > LONGEST_VERDICT) throw refused(`it is longer than ${LONGEST_VERDICT} characters`);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw refused("it is not JSON");
  }
  const checked = compileSchema<PreviewVerdict>("preview")(value);
  if ("value" in checked) return checked.value;
  throw refused(checked.problems.join("; "));
}
