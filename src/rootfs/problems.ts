import { KubefileError } from "../error.ts";

/** Throws what a step collected as one error, so that a user mends everything at once. Nothing collected: returns. */
export function throwTogether(problems: readonly KubefileError[]): void {
  const [first, ...rest] = problems;
  if (first === undefined) return;
  if (rest.length === 0) throw first;
  const hints = [...new Set(problems.map((problem) => problem.hint).filter((hint) => hint !== undefined))];
  throw new KubefileError(first.code, problems.map((problem) => problem.message).join("\n"), {
    ...(hints.length === 0 ? {} : { hint: hints.join("; ") }),
    ...(first.where === undefined ? {} : { where: first.where }),
  });
}
