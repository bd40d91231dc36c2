import { quoted, type Report } from "./diagnostic.ts";
import type { Word } from "./word.ts";

// Grammar of distribution/reference, [HOST[:PORT]/]PATH[:TAG][@DIGEST].
const hostPart = "[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?";
const host = `(?:${hostPart}(?:\\.${hostPart})*|\\[[0-9a-fA-F:]+\\])(?::[0-9]{1,5})?`;
const pathPart = "[a-z0-9]+(?:(?:\\.|__?|-+)[a-z0-9]+)*";
const imageReference = new RegExp(
  `^(?:${host}/)?${pathPart}(?:/${pathPart})*(?::\\w[\\w.-]{0,127})?(?:@sha256:[0-9a-f]{64})?$`,
);

/** Reports what cannot be an image; a name with variables is nobody's to judge yet. */
export function checkImage(image: Word, report: Report): void {
  const hasVariables = image.parts.some((part) => part.kind === "variable");
  if (hasVariables || isImageReference(image.text)) return;
  const lower = image.text.toLowerCase();
  report({
    severity: "error",
    code: "invalid-image",
    message: `${quoted(image.text)} is not an image reference`,
    hint: isImageReference(lower)
      ? `repository names are lower case: ${JSON.stringify(lower)}`
      : "write scratch, or [REGISTRY/]NAME[:TAG][@sha256:DIGEST]",
    span: image.span,
  });
}

function isImageReference(text: string): boolean {
  return text.length <= 1024 && imageReference.test(text);
}
