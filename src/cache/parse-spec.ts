import { isAbsolute, resolve } from "node:path";
import { errorMessage, KubefileError } from "../error.ts";
import { didYouMean, nearest } from "../kubefile/nearest.ts";
import { parseReference } from "../oci/reference.ts";
import { DEFAULT_PREFIX, prefixProblem } from "./registry-tag.ts";
import type { CacheSpec } from "./spec.ts";

export type CacheFlag = "--cache-from" | "--cache-to";

interface Problem {
  readonly message: string;
  readonly hint: string;
}

/**
 * Reads what `--cache-from` or `--cache-to` say, each `type=TYPE,NAME=VALUE,...`.
 *
 * @param directory what relative paths are relative to
 * @throws KubefileError USAGE with every problem
 */
export function parseCacheSpecs(texts: readonly string[], flag: CacheFlag, directory: string): readonly CacheSpec[] {
  const read = texts.map((text) => parseCacheSpec(text, flag, directory));
  const problems = read.flatMap((spec) => ("hint" in spec ? [spec] : []));
  const [first] = problems;
  if (first !== undefined) {
    const message = problems.map((problem) => problem.message).join("\n  ");
    throw new KubefileError("USAGE", message, { hint: first.hint });
  }
  return read.flatMap((spec) => ("hint" in spec ? [] : [spec]));
}

/** The fields that each type has; the first is needed unless it is `prefix`. */
const fieldsOf = {
  registry: () => ["ref", "prefix"],
  local: (flag: CacheFlag) => [directoryField(flag)],
  gha: () => ["prefix"],
} as const;

const examples = {
  registry: () => "type=registry,ref=REGISTRY/NAME[,prefix=NAME]",
  local: (flag: CacheFlag) => `type=local,${directoryField(flag)}=DIRECTORY`,
  gha: () => "type=gha[,prefix=NAME]",
} as const;

type Type = keyof typeof fieldsOf;
const types: readonly Type[] = ["registry", "local", "gha"];

function directoryField(flag: CacheFlag): "src" | "dest" {
  return flag === "--cache-from" ? "src" : "dest";
}

function parseCacheSpec(text: string, flag: CacheFlag, directory: string): CacheSpec | Problem {
  const shown = `${flag} ${JSON.stringify(text.slice(0, 300))}`;
  const fields = readFields(text);
  const problem = (why: string, hint: string): Problem => ({ message: `${shown}: ${why}`, hint });
  if (typeof fields === "string") return problem(fields, `write ${flag} ${types.map(exampleFor(flag)).join(", or ")}`);
  const written = fields.get("type");
  const type = types.find((known) => known === written);
  if (type === undefined) {
    const why = written === undefined ? "it has no type" : `there is no type ${JSON.stringify(written)}`;
    return problem(why, didYouMean(nearest(written ?? "", types)) ?? `the types are ${types.join(", ")}`);
  }
  const example = `write ${flag} ${examples[type](flag)}`;
  const known: readonly string[] = fieldsOf[type](flag);
  const unknown = [...fields.keys()].find((name) => name !== "type" && !known.includes(name));
  if (unknown !== undefined) {
    return problem(`type=${type} has no ${JSON.stringify(unknown)}`, didYouMean(nearest(unknown, known)) ?? example);
  }
  const missing = known.find((name) => name !== "prefix" && (fields.get(name) ?? "") === "");
  if (missing !== undefined) return problem(`it has no ${missing}`, example);
  const prefix = fields.get("prefix") ?? DEFAULT_PREFIX;
  const wrongPrefix = prefixProblem(prefix);
  if (wrongPrefix !== undefined) return problem(wrongPrefix, example);
  const value = fields.get(known[0] ?? "") ?? "";
  switch (type) {
    case "local":
      return { type, directory: isAbsolute(value) ? value : resolve(directory, value), written: text };
    case "gha":
      return { type, prefix, written: text };
    case "registry": {
      const repository = readRepository(value);
      return typeof repository === "string"
        ? problem(repository, example)
        : { type, repository, prefix, written: text };
    }
  }
}

function exampleFor(flag: CacheFlag): (type: Type) => string {
  return (type) => examples[type](flag);
}

/** A word when it cannot be read. */
function readFields(text: string): ReadonlyMap<string, string> | string {
  const fields = new Map<string, string>();
  for (const field of text.split(",")) {
    const equals = field.indexOf("=");
    if (equals <= 0) return `${JSON.stringify(field)} is not NAME=VALUE`;
    const name = field.slice(0, equals);
    if (fields.has(name)) return `${name} stands here twice`;
    fields.set(name, field.slice(equals + 1));
  }
  return fields;
}

function readRepository(text: string): { readonly host: string; readonly path: string } | string {
  try {
    const { host, path, tag, digest } = parseReference(text);
    if (digest !== undefined) return "its ref names a digest; a cache is a whole repository";
    // Without a tag the parser says "latest".
    if (text.endsWith(`:${tag}`)) return `its ref names the tag ${tag}; records have tags of their own`;
    return { host, path };
  } catch (error) {
    return errorMessage(error);
  }
}
