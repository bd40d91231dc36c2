import { readFile, stat } from "node:fs/promises";
import { errorMessage, KubefileError } from "../error.ts";
import { isSecretId } from "../kubefile/secret-mount.ts";
import type { BuildSecrets, GivenSecret } from "../pipeline/build-secrets.ts";
import type { CommandContext } from "./context.ts";
import { absolute } from "./input-values.ts";
import type { Inputs, ValuesOf } from "./inputs.ts";
import { untrustedEvent } from "./untrusted-event.ts";

/**
 * Secrets for RUN. Not in `kubefile.yaml`: a value is not to be committed, and a file that names variables would let
 * whoever may change it take any of the machine's.
 */
export const secretInputs = {
  secret: {
    kind: "list",
    value: "spec",
    help: "a secret for RUN --mount=type=secret, id=NAME with src=FILE or env=VARIABLE",
    only: ["command"],
  },
  secrets: {
    kind: "text",
    help: "secrets for RUN --mount=type=secret, a list of NAME=VALUE, one a line, in double quotes where a value has several lines",
    only: ["job"],
  },
  secretEnvs: {
    kind: "map",
    value: "name=variable",
    help: "secrets for RUN --mount=type=secret that are the values of variables",
    only: ["job"],
  },
  secretFiles: {
    kind: "map",
    value: "name=file",
    help: "secrets for RUN --mount=type=secret that are in files",
    only: ["job"],
  },
} as const satisfies Inputs;

export type SecretFlags = ValuesOf<typeof secretInputs>;

/** Where a secret is to be had. */
type SecretOrigin =
  | { readonly kind: "file"; readonly path: string }
  | { readonly kind: "variable"; readonly name: string }
  | { readonly kind: "value"; readonly text: string };

interface NamedOrigin {
  readonly id: string;
  /** What asked for it, without any value. */
  readonly flag: string;
  readonly origin: SecretOrigin;
}

/** Bytes, as Docker has it: a secret is no place for files of data. */
const LARGEST_SECRET = 500 * 1024;
/** Bytes: fewer turn up in any text, and nothing could keep them out of logs and layers. */
const SHORTEST_SECRET = 4;

/**
 * The secrets that flags and inputs name. One whose variable is not set, as CI systems leave it for strangers, is absent
 * rather than an error: steps that are cached need none. Values are in no message.
 *
 * @throws KubefileError USAGE
 */
export async function readSecrets(flags: SecretFlags, context: CommandContext): Promise<BuildSecrets> {
  const named = [
    ...(flags.secret ?? []).map((spec) => parseSecretSpec(spec, context.env)),
    ...parseSecretValues(flags.secrets ?? ""),
    ...(flags.secretEnvs ?? []).map((word): NamedOrigin => {
      const [id, name] = parsePair(word, "secret-envs", "VARIABLE");
      return { id, flag: `secret-envs ${id}`, origin: { kind: "variable", name } };
    }),
    ...(flags.secretFiles ?? []).map((word): NamedOrigin => {
      const [id, path] = parsePair(word, "secret-files", "FILE");
      return { id, flag: `secret-files ${id}`, origin: { kind: "file", path } };
    }),
  ];
  const stranger = named.length === 0 ? undefined : await untrustedEvent(context.env);
  const secrets = new Map<string, GivenSecret>();
  for (const each of named) {
    if (secrets.has(each.id)) throw usage(`two secrets have the id ${each.id}`, "give one another id");
    const reason = `what RUN does may be of ${stranger ?? ""}`;
    secrets.set(each.id, stranger === undefined ? await readSecret(each, context) : { kind: "absent", reason });
  }
  return secrets;
}

/** `id=NAME[,src=FILE|,env=VARIABLE]`, as docker buildx has it: with the id alone it is the variable or else the file of that name. */
function parseSecretSpec(spec: string, env: CommandContext["env"]): NamedOrigin {
  const hint = "write --secret id=NAME,src=FILE or --secret id=NAME,env=VARIABLE";
  const fields = new Map<string, string>();
  for (const field of spec.split(",")) {
    const equals = field.indexOf("=");
    const name = equals < 0 ? "" : field.slice(0, equals).toLowerCase();
    // Not shown: it may be the secret itself.
    if (!["id", "src", "source", "env", "type"].includes(name)) throw usage("--secret is not understood", hint);
    fields.set(name === "source" ? "src" : name, field.slice(equals + 1));
  }
  const id = checkedId(fields.get("id") ?? "", "--secret", hint);
  const type = fields.get("type");
  if (type !== undefined && type !== "file" && type !== "env") {
    throw usage(`--secret id=${id}: the type is neither file nor env`, hint);
  }
  const source = fields.get("src");
  const variable = fields.get("env") ?? (type === "env" ? source : undefined);
  if (variable !== undefined && source !== undefined && variable !== source) {
    throw usage(`--secret id=${id} names a file and a variable`, hint);
  }
  const flag = `--secret id=${id}`;
  if (variable !== undefined) return { id, flag, origin: { kind: "variable", name: variable } };
  if (source !== undefined) return { id, flag, origin: { kind: "file", path: source } };
  const isVariable = type === "env" || (type === undefined && env[id] !== undefined);
  return { id, flag, origin: isVariable ? { kind: "variable", name: id } : { kind: "file", path: id } };
}

/** `NAME=VALUE`, one a line; `"NAME=VALUE"` goes on to its closing quote, and `""` in it is a quote. */
function parseSecretValues(text: string): NamedOrigin[] {
  const entries = text.matchAll(/[^\S\n]*(?:"((?:[^"]|"")*)"|([^\n]*))[^\S\n]*(?:\n|$)/g);
  return [...entries].flatMap(([, quoted, bare]) => {
    const entry = quoted?.replaceAll('""', '"') ?? bare?.trim() ?? "";
    if (entry === "") return [];
    const [id, value] = parsePair(entry, "secrets", "VALUE");
    return [{ id, flag: `secrets ${id}`, origin: { kind: "value", text: value } }];
  });
}

function parsePair(entry: string, input: string, what: string): readonly [id: string, value: string] {
  const equals = entry.indexOf("=");
  const hint = `write NAME=${what}, one a line${what === "VALUE" ? ', in double quotes where it has several: "NAME=VALUE"' : ""}`;
  return [checkedId(equals < 0 ? "" : entry.slice(0, equals), input, hint), entry.slice(equals + 1)];
}

/** What is no id is not shown: a line of a secret may stand in its place. */
function checkedId(id: string, input: string, hint: string): string {
  if (isSecretId(id)) return id;
  throw usage(`${input} has a secret without an id of letters, digits, dots, dashes and underscores`, hint);
}

async function readSecret({ flag, origin }: NamedOrigin, { env, cwd }: CommandContext): Promise<GivenSecret> {
  if (origin.kind === "file") return checked(await readSecretFile(absolute(origin.path, cwd), flag), flag);
  const text = origin.kind === "value" ? origin.text : (env[origin.name] ?? "");
  const reason = origin.kind === "value" ? `${flag} is empty` : `the variable ${origin.name} is not set`;
  return text === "" ? { kind: "absent", reason } : checked(Buffer.from(text), flag);
}

async function readSecretFile(file: string, flag: string): Promise<Buffer> {
  try {
    const found = await stat(file);
    if (!found.isFile()) throw usage(`${flag}: ${file} is not a file`, "name a file that holds the secret");
    if (found.size > LARGEST_SECRET) throw tooLarge(flag);
    return await readFile(file);
  } catch (error) {
    if (error instanceof KubefileError) throw error;
    throw usage(`${flag}: ${file} cannot be read: ${errorMessage(error)}`, "name a file that holds the secret");
  }
}

function checked(value: Buffer, flag: string): GivenSecret {
  if (value.length > LARGEST_SECRET) throw tooLarge(flag);
  if (value.toString("utf8").trim().length < SHORTEST_SECRET) {
    throw usage(
      `${flag} is shorter than ${SHORTEST_SECRET} characters`,
      "nothing could keep it out of logs and layers",
    );
  }
  return { kind: "value", reveal: () => value };
}

function tooLarge(flag: string): KubefileError {
  return usage(
    `${flag} is longer than ${LARGEST_SECRET} bytes`,
    "fetch large files with RUN, and the credential for it",
  );
}

function usage(message: string, hint: string): KubefileError {
  return new KubefileError("USAGE", message, { hint });
}
