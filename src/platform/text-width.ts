const graphemes = new Intl.Segmenter("en", { granularity: "grapheme" });
/** Unicode's East Asian wide and fullwidth characters, and pictures: two columns in a terminal. */
const wide =
  /^(?:[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\ua960-\ua97f\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]|[\u{1f000}-\u{1faff}]|[\u{20000}-\u{3fffd}]|\p{Emoji_Presentation})|\ufe0f/u;
const invisible = /^[\p{Mn}\p{Me}\p{Cf}]+$/u;

/** Columns that a text without control characters takes in a terminal. */
export function textWidth(text: string): number {
  let width = 0;
  for (const { segment } of graphemes.segment(text)) width += widthOf(segment);
  return width;
}

/** The text in at most so many columns, with an ellipsis where something is missing. */
export function cutToWidth(text: string, columns: number): string {
  if (columns <= 0) return "";
  let width = 0;
  let end = 0;
  for (const { segment, index } of graphemes.segment(text)) {
    width += widthOf(segment);
    // `end` stays where an ellipsis still fits.
    if (width <= columns - 1) end = index + segment.length;
    if (width > columns) return `${text.slice(0, end)}…`;
  }
  return text;
}

function widthOf(grapheme: string): number {
  if (invisible.test(grapheme)) return 0;
  return wide.test(grapheme) ? 2 : 1;
}
