/** What a value looks like in bytes, for finding it in files. */
export interface ValueTraces {
  /** Anywhere, as they stand. */
  readonly plain: readonly Buffer[];
  /** With all white space of the file left out: base64 is wrapped, and keys of several lines are indented. */
  readonly unspaced: readonly Buffer[];
}

/** Shorter text turns up by chance. */
const SHORTEST_TRACE = 8;
const SHORTEST_LINE = 4;
/** `base64` breaks its lines there: 57 bytes of the value. */
const BASE64_LINE = 76;

/** The value as it is, URL-encoded, inside JSON, and in base64 wherever that began to count. */
export function valueTraces(value: Buffer): ValueTraces {
  const texts = textsOf(value);
  const plain = [value, ...texts.flatMap((text) => [text, encodeURIComponent(text), inJson(text)]).map(bytes)];
  const trimmed = trimEnd(value);
  const unspaced = [
    ...base64Cores(trimmed),
    ...texts.filter((text) => /\s/.test(text)).map((text) => text.replace(/\s+/g, "")),
  ];
  return {
    plain: distinct(plain),
    unspaced: distinct(unspaced.filter(({ length }) => length >= SHORTEST_TRACE).map(bytes)),
  };
}

/** Texts to take out of lines that are shown: the same, line by line, as that is how logs are written. */
export function valueLines(value: Buffer): string[] {
  const texts = textsOf(value);
  const encoded = [value, trimEnd(value)].flatMap((each) => [each.toString("base64"), ...wrapped(each)]);
  const lines = [
    ...texts.flatMap((text) => [text, ...text.split(/\r?\n/).map((line) => line.trim())]),
    ...texts.flatMap((text) => [encodeURIComponent(text), inJson(text)]),
    ...encoded,
    ...base64Cores(trimEnd(value)).filter(({ length }) => length >= SHORTEST_TRACE),
  ];
  return [...new Set(lines.filter(({ length }) => length >= SHORTEST_LINE))];
}

/** The value as text, with and without the line end that files have; none when it is no text. */
function textsOf(value: Buffer): string[] {
  const text = value.toString("utf8");
  return bytes(text).equals(value) ? [...new Set([text, text.trimEnd()])].filter((each) => each !== "") : [];
}

/**
 * What base64 of anything that holds the value has in common. Three bytes make four characters, so that there are three
 * ways to fall into step; the characters at either end that also hold bits of something else are left out.
 */
function base64Cores(value: Buffer): string[] {
  return [0, 1, 2].flatMap((offset) => {
    const all = Buffer.concat([Buffer.alloc(offset), value]);
    const begin = Math.ceil((offset * 8) / 6);
    const end = Math.floor((all.length * 8) / 6);
    return [all.toString("base64").slice(begin, end), all.toString("base64url").slice(begin, end)];
  });
}

function wrapped(value: Buffer): string[] {
  return value.toString("base64").match(new RegExp(`.{1,${BASE64_LINE}}`, "g")) ?? [];
}

function inJson(text: string): string {
  return JSON.stringify(text).slice(1, -1);
}

function trimEnd(value: Buffer): Buffer {
  let end = value.length;
  while (end > 0 && [0x0a, 0x0d, 0x20, 0x09].includes(value[end - 1] ?? 0)) end -= 1;
  return value.subarray(0, end);
}

function bytes(text: string | Buffer): Buffer {
  return typeof text === "string" ? Buffer.from(text) : text;
}

function distinct(all: readonly Buffer[]): Buffer[] {
  return [...new Map(all.filter(({ length }) => length > 0).map((each) => [each.toString("latin1"), each])).values()];
}
