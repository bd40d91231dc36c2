import { readFileSync } from "node:fs";
import { type ErrorObject, Ajv2020 as Validator } from "ajv/dist/2020.js";

/** Names of the published schemas that this folder and those above it write or read by. */
export type SchemaName = "cache-record" | "cluster-image-config" | "diff" | "metadata" | "preview" | "report";

export type Check<T> = (value: unknown) => { readonly value: T } | { readonly problems: readonly string[] };

/** What is told of one document; a hostile one can be wrong in a million places. */
const MAX_PROBLEMS = 20;

const repeating: readonly string[] = ["propertyNames", "if"];

/**
 * Our own schemas are not checked by the schema of schemas: a test does that, and compiling it would take a tenth of the
 * processor time of a build that has nothing to do.
 */
const validator = new Validator({ allErrors: true, meta: false, validateSchema: false });

/** Compiles `schemas/NAME.schema.json`. `T` must say the same as the schema; a test holds the two together. */
export function compileSchema<T>(name: SchemaName): Check<T> {
  const file = new URL(`../../schemas/${name}.schema.json`, import.meta.url);
  const { $id: _, ...schema } = JSON.parse(readFileSync(file, "utf8"));
  const validate = validator.compile<T>(schema);
  return (value) => {
    if (validate(value)) return { value };
    // Of some problems the validator tells twice: what is wrong, and that it is.
    const problems = (validate.errors ?? []).filter(({ keyword }) => !repeating.includes(keyword)).map(formatProblem);
    const more = problems.length - MAX_PROBLEMS;
    return { problems: more > 0 ? [...problems.slice(0, MAX_PROBLEMS), `and ${more} more`] : problems };
  };
}

function formatProblem({ instancePath, message, params, propertyName }: ErrorObject): string {
  const place = instancePath === "" ? "the document" : instancePath.slice(0, 200);
  const where = propertyName === undefined ? place : `${place}: name ${JSON.stringify(propertyName.slice(0, 100))}`;
  const allowed = "allowedValues" in params ? `: ${params.allowedValues}` : "";
  return `${where} ${message ?? "is not valid"}${allowed}`;
}
