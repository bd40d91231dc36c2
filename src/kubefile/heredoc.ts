import { quoted, type Report } from "./diagnostic.ts";
import { instructionKinds } from "./instruction-kinds.ts";
import { type MappedText, type Span, spanOf } from "./mapped-text.ts";

/** A here-document: the lines after a RUN, COPY or ADD up to the one that is `name` alone. */
export interface Heredoc {
  readonly name: string;
  /** False when the name was quoted: the content is taken as it is. */
  readonly expand: boolean;
  /** `<<-`: leading tabs do not belong to the content. */
  readonly stripTabs: boolean;
  /** With a line end after each line. */
  readonly content: string;
  /** Of the mark, `<<EOF`. */
  readonly span: Span;
}

interface Mark {
  readonly name: string;
  readonly expand: boolean;
  readonly stripTabs: boolean;
  readonly span: Span;
}

const instructionLine = new RegExp(`^(?:${instructionKinds.join("|")})\\s`);

/** The lines of a file, and the index of the last one that a text is, where leading tabs count or do not; -1 for none. */
export interface HeredocLines {
  readonly physical: readonly string[];
  lastOf(text: string, stripTabs: boolean): number;
}

/** Looked through once for all here-documents: each of a thousand that are not closed would go to the end of the file. */
export function heredocLines(physical: readonly string[]): HeredocLines {
  const known = new Map<boolean, ReadonlyMap<string, number>>();
  const lastLines = (stripTabs: boolean): ReadonlyMap<string, number> => {
    const lines = known.get(stripTabs) ?? new Map(physical.map((text, index) => [stripped(text, stripTabs), index]));
    known.set(stripTabs, lines);
    return lines;
  };
  return { physical, lastOf: (text, stripTabs) => lastLines(stripTabs).get(text) ?? -1 };
}

function stripped(text: string, stripTabs: boolean): string {
  return stripTabs ? text.replace(/^\t+/, "") : text;
}

/** Reads the here-documents that `line` announces from the physical lines from index `next` on. */
export function readHeredocs(
  line: MappedText,
  { physical, lastOf }: HeredocLines,
  next: number,
  report: Report,
): { heredocs: readonly Heredoc[]; next: number } {
  const heredocs: Heredoc[] = [];
  let index = next;
  for (const mark of findMarks(line)) {
    const body: string[] = [];
    const strip = (text: string): string => stripped(text, mark.stripTabs);
    // Of one without a closing line, go on where the next instruction seems to be: the rest of the file is still looked at.
    const isClosed = lastOf(mark.name, mark.stripTabs) >= index;
    const isEnd = (text: string): boolean => (isClosed ? strip(text) === mark.name : instructionLine.test(text));
    while (index < physical.length && !isEnd(physical[index] ?? "")) {
      body.push(strip(physical[index] ?? ""));
      index += 1;
    }
    if (!isClosed) {
      index -= 1;
      report({
        severity: "error",
        code: "unterminated-heredoc",
        message: `the here-document ${quoted(mark.name)} has no closing line`,
        hint: `end it with a line that is ${mark.name} and nothing else`,
        span: mark.span,
      });
    }
    index += 1;
    heredocs.push({ ...mark, content: body.map((text) => `${text}\n`).join("") });
  }
  return { heredocs, next: Math.min(index, physical.length) };
}

/** `<<EOF`, `<<-EOF`, `3<<'EOF'` as words of their own, outside quotes, in the instructions that can have them. */
function findMarks(line: MappedText): readonly Mark[] {
  if (!/^(?:run|copy|add)[\t\v\f\r ]/i.test(line.text) || !line.text.includes("<<")) return [];
  const marks: Mark[] = [];
  const form = /\d*<<(-?)(?:(["'])([A-Za-z_][\w.-]*)\2|([A-Za-z_][\w.-]*))(?=[\s;|&)>]|$)/y;
  let quote = "";
  for (let offset = 0; offset < line.text.length; offset += 1) {
    const character = line.text.charAt(offset);
    if (character === "\\" && quote !== "'") {
      offset += 1;
    } else if (quote !== "") {
      if (character === quote) quote = "";
    } else if (character === '"' || character === "'") {
      quote = character;
    } else if (/\s/.test(line.text.charAt(offset - 1)) && /[\d<]/.test(character)) {
      form.lastIndex = offset;
      const match = form.exec(line.text);
      const name = match?.[3] ?? match?.[4];
      if (match === null || name === undefined) continue;
      const end = offset + match[0].length;
      marks.push({
        name,
        expand: match[3] === undefined,
        stripTabs: match[1] === "-",
        span: spanOf(line, offset, end),
      });
      offset = end - 1;
    }
  }
  return marks;
}
