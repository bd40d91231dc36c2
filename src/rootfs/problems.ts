import { KubefileError, type Location } from "../error.ts";

const MAX_SHOWN = 20;

/** Throws what a step collected as one error, so that a user mends everything at once. Nothing collected: returns. */
export function throwTogether(problems: readonly KubefileError[]): void {
  const [first, ...rest] = problems;
  if (first === undefined) return;
  if (rest.length === 0) throw first;
  const shown = problems.slice(0, MAX_SHOWN);
  const messages = shown.map((problem) => problem.message);
  if (shown.length < problems.length) messages.push(`and ${problems.length - shown.length} more`);
  const hints = [...new Set(shown.map((problem) => problem.hint).filter((hint) => hint !== undefined))];
  throw new KubefileError(first.code, messages.join("\n"), {
    ...(hints.length === 0 ? {} : { hint: hints.join("; ") }),
    ...(first.where === undefined ? {} : { where: first.where }),
  });
}

/** Runs one part of a step: its problem is collected, and the next part can be looked at. */
export async function collectProblem<T>(problems: KubefileError[], part: () => Promise<T>): Promise<T | undefined> {
  try {
    return await part();
  } catch (error) {
    if (!(error instanceof KubefileError)) throw error;
    problems.push(error);
    return undefined;
  }
}

/** The same error with the place of the instruction, unless it has one. */
export function atLocation(error: unknown, where: Location | undefined): unknown {
  if (!(error instanceof KubefileError) || error.where !== undefined || where === undefined) return error;
  const { code, message, hint, cause } = error;
  return new KubefileError(code, message, { ...(hint === undefined ? {} : { hint }), where, cause });
}
