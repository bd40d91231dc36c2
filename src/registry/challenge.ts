/** One challenge of a `WWW-Authenticate` header: a scheme in lower case and its parameters, names in lower case. */
export interface Challenge {
  readonly scheme: string;
  readonly parameters: ReadonlyMap<string, string>;
}

const MAX_HEADER_CHARACTERS = 16 * 1024;
const token = /[!#$%&'*+\-.^_`|~0-9A-Za-z]+/y;
const token68 = /[ \t]+[A-Za-z0-9\-._~+/]+=*(?=[ \t]*(?:,|$))/y;
const quoted = /"((?:[^"\\]|\\.)*)"/sy;
const equals = /[ \t]*=[ \t]*/y;
const separators = /[ \t,]*/y;

/**
 * Reads `WWW-Authenticate` (RFC 9110, 11.6.1): several challenges, each with several parameters, all parted by commas,
 * with commas and escapes allowed inside quotes. That is why it is read token by token. Reading stops at the first
 * thing that fits nowhere; what came before it counts.
 */
export function parseChallenges(header: string | readonly string[] | undefined): Challenge[] {
  const values = typeof header === "string" ? [header] : (header ?? []);
  return values.flatMap((value) => parseOne(value.slice(0, MAX_HEADER_CHARACTERS)));
}

function parseOne(text: string): Challenge[] {
  let position = 0;
  const take = (pattern: RegExp): RegExpExecArray | null => {
    pattern.lastIndex = position;
    const match = pattern.exec(text);
    if (match !== null) position = pattern.lastIndex;
    return match;
  };
  const challenges: { scheme: string; parameters: Map<string, string> }[] = [];
  for (;;) {
    take(separators);
    const name = take(token)?.[0].toLowerCase();
    if (name === undefined) return challenges;
    const parameters = challenges.at(-1)?.parameters;
    if (parameters !== undefined && take(equals) !== null) {
      const value = take(quoted)?.[1]?.replace(/\\(.)/gs, "$1") ?? take(token)?.[0];
      if (value === undefined) return challenges;
      // The first of two equal parameters wins, so that nothing appended later can override it.
      if (!parameters.has(name)) parameters.set(name, value);
    } else {
      challenges.push({ scheme: name, parameters: new Map() });
      take(token68);
    }
  }
}
