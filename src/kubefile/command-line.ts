/** A word of a shell command line. */
export interface CommandWord {
  /** Without quotes. */
  readonly text: string;
  /** Offsets of the written word in the command line. */
  readonly start: number;
  readonly end: number;
  /** True when the shell replaces something in it, so that its value is not known. */
  readonly isDynamic: boolean;
}

/** What stands between `&&`, `||`, `;`, `|`, `&` and line ends. */
export interface SimpleCommand {
  readonly words: readonly CommandWord[];
  /** Whether its output goes into a file. */
  readonly writesFile: boolean;
}

/**
 * Splits a shell command line well enough to see which files it names: words, quotes, operators and redirections of
 * POSIX sh. It is no shell: nothing is expanded, and constructs it does not know become words.
 */
export function splitCommandLine(text: string): readonly SimpleCommand[] {
  const commands: SimpleCommand[] = [];
  let words: CommandWord[] = [];
  let writesFile = false;
  let redirected = false;
  let offset = 0;

  const finish = (): void => {
    if (words.length > 0 || writesFile) commands.push({ words, writesFile });
    words = [];
    writesFile = false;
    redirected = false;
  };

  while (offset < text.length) {
    const character = text.charAt(offset);
    if (/[ \t\r]/.test(character)) {
      offset += 1;
    } else if (/[;&|\n()]/.test(character)) {
      finish();
      offset += 1;
    } else if (character === "#") {
      const end = text.indexOf("\n", offset);
      offset = end < 0 ? text.length : end;
    } else if (/[<>]/.test(character)) {
      if (character === ">") writesFile = true;
      redirected = true;
      offset += 1;
      while (/[<>&|-]/.test(text.charAt(offset))) offset += 1;
    } else {
      const word = readWord(text, offset);
      offset = word.end;
      const isDescriptor = /^\d+$/.test(word.text) && /[<>]/.test(text.charAt(offset));
      if (!redirected && !isDescriptor) words.push(word);
      redirected = false;
    }
  }
  finish();
  return commands;
}

function readWord(text: string, start: number): CommandWord {
  let value = "";
  let isDynamic = false;
  let quote = "";
  let offset = start;
  for (; offset < text.length; offset += 1) {
    const character = text.charAt(offset);
    if (quote === "'") {
      if (character === "'") quote = "";
      else value += character;
    } else if (character === "\\") {
      offset += 1;
      value += text.charAt(offset);
    } else if (character === '"') {
      quote = quote === '"' ? "" : '"';
    } else if (quote === "" && character === "'") {
      quote = "'";
    } else if (quote === "" && /[ \t\r\n;&|()<>]/.test(character)) {
      break;
    } else if (character === "$" || character === "`") {
      isDynamic = true;
      const close = substitutionEnd(text, offset);
      value += text.slice(offset, close);
      offset = close - 1;
    } else {
      if (quote === "" && /[*?[{~]/.test(character)) isDynamic = true;
      value += character;
    }
  }
  return { text: value, start, end: Math.min(offset, text.length), isDynamic };
}

/** Offset after `$NAME`'s dollar sign, or after the whole of `$(...)`, `${...}` and backticks. */
function substitutionEnd(text: string, start: number): number {
  if (text.charAt(start) === "`") {
    const close = text.indexOf("`", start + 1);
    return close < 0 ? text.length : close + 1;
  }
  const open = text.charAt(start + 1);
  if (open !== "(" && open !== "{") return start + 1;
  const close = open === "(" ? ")" : "}";
  let depth = 0;
  for (let offset = start + 1; offset < text.length; offset += 1) {
    if (text.charAt(offset) === open) depth += 1;
    else if (text.charAt(offset) === close) depth -= 1;
    if (depth === 0) return offset + 1;
  }
  return text.length;
}
