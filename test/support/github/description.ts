import { readFileSync } from "node:fs";
import { Ajv2020, type ValidateFunction } from "ajv/dist/2020.js";

/** As far as answers are made up by it. */
export interface Schema {
  readonly $ref?: string;
  readonly type?: string;
  readonly format?: string;
  readonly enum?: readonly unknown[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly items?: Schema;
  readonly anyOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
}

interface DescribedOperation {
  /** `issues/create-comment`. */
  readonly id: string;
  readonly method: string;
  /** `/repos/{owner}/{repo}/issues/{issue_number}/comments`. */
  readonly path: string;
  readonly parameters: Readonly<Record<string, Schema>>;
  readonly query: { readonly properties: Readonly<Record<string, Schema>>; readonly required: readonly string[] };
  readonly body?: Schema;
  readonly answers: Readonly<Record<string, { readonly schema?: Schema }>>;
}

export interface Operation extends DescribedOperation {
  /** What the path's placeholders stand for; undefined for another path. */
  match(pathname: string): Readonly<Record<string, string>> | undefined;
  /** What is wrong about the values; numbers come as text. */
  checkPath(values: object): string | undefined;
  checkQuery(values: object): string | undefined;
  checkBody(value: unknown): string | undefined;
  /** What GitHub would never answer. */
  checkAnswer(status: number, value: unknown): string | undefined;
}

interface Description {
  readonly from: string;
  readonly operations: readonly DescribedOperation[];
  readonly schemas: Readonly<Record<string, Schema>>;
}

const file = new URL("../../fixtures/github/description.json", import.meta.url);
const isDescription = new Ajv2020().compile<Description>({
  type: "object",
  required: ["from", "operations", "schemas"],
  properties: {
    operations: {
      type: "array",
      items: { type: "object", required: ["id", "method", "path", "parameters", "query", "answers"] },
    },
  },
});

function readDescription(): Description {
  const value: unknown = JSON.parse(readFileSync(file, "utf8"));
  if (isDescription(value)) return value;
  throw new Error(`${file.pathname} is not what \`npm run github-description\` writes`);
}

const description = readDescription();
const root = { $id: "https://api.github.example/description", ...description };
const formats = {
  uri: (text: string) => URL.canParse(text.replaceAll(/[{}]/g, "")),
  "date-time": /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)$/,
  email: /^[^@\s]+@[^@\s]+$/,
  int64: true,
} as const;

function validator(coerceTypes: boolean): Ajv2020 {
  const ajv = new Ajv2020({
    allErrors: true,
    strict: true,
    strictTypes: false,
    strictRequired: false,
    coerceTypes,
    formats,
  });
  ajv.addVocabulary(["from", "operations", "schemas"]);
  return ajv.addSchema(root);
}

const values = validator(false);
const texts = validator(true);

/** A part of the description by its place, closed: what GitHub does not know it ignores, and we want to hear of it. */
function check(validate: ValidateFunction, known: Readonly<Record<string, Schema>> | undefined) {
  return (value: unknown): string | undefined => {
    const keys = typeof value === "object" && value !== null ? Object.keys(value) : [];
    const unknown = keys.filter((key) => known !== undefined && known[key] === undefined);
    if (unknown.length > 0) return `GitHub knows no ${unknown.join(", ")} here`;
    return validate(value) ? undefined : values.errorsText(validate.errors);
  };
}

/** Answers that any operation may have: no token, no permission, none of that, too many requests. */
const common = new Set([401, 403, 404, 429]);

function operationOf(described: DescribedOperation, position: number): Operation {
  const place = `${root.$id}#/operations/${position}`;
  const names = Object.keys(described.parameters);
  const order = [...described.path.matchAll(/\{(\w+)\}/g)].map(([, name = ""]) => name);
  const pattern = new RegExp(`^${described.path.replaceAll(/\{\w+\}/g, "([^/]+)")}$`);
  const answers = Object.fromEntries(
    Object.entries(described.answers).map(([status, { schema }]) => [
      status,
      schema === undefined
        ? undefined
        : check(values.compile({ $ref: `${place}/answers/${status}/schema` }), undefined),
    ]),
  );
  return {
    ...described,
    match(pathname) {
      const found = pattern.exec(pathname)?.slice(1).map(decodeURIComponent);
      return found && Object.fromEntries(order.map((name, index) => [name, found[index] ?? ""]));
    },
    checkPath: check(texts.compile({ properties: described.parameters, required: names }), described.parameters),
    checkQuery: check(texts.compile(described.query), described.query.properties),
    checkBody:
      described.body === undefined
        ? () => undefined
        : check(values.compile({ $ref: `${place}/body` }), described.body.properties),
    checkAnswer(status, value) {
      if (status >= 500 || (common.has(status) && answers[status] === undefined)) return undefined;
      if (!(status in answers)) return `GitHub does not answer ${described.id} with ${status}`;
      return answers[status]?.(value);
    },
  };
}

/** Those that kubefile sends, of GitHub's published description: scripts/write-github-description.mjs. */
export const operations: readonly Operation[] = description.operations.map(operationOf);

export function schemaAt({ $ref }: Schema): Schema | undefined {
  return $ref === undefined ? undefined : description.schemas[$ref.replace("#/schemas/", "")];
}
