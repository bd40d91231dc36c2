import { isAbsolute, relative } from "node:path";
import type { CommandContext } from "./context.ts";
import { flagName, type Input, type Inputs, isIn } from "./inputs.ts";
import { packageVersion } from "./version.ts";

/** What a job did, as its verb is told it. */
export interface ReproducibleJob {
  readonly verb: "build" | "verify" | "preview";
  /** The table of the verb's flags. */
  readonly inputs: Inputs;
  /** By key of the table. */
  readonly flags: Readonly<Record<string, unknown>>;
  /** The absolute path of the build context, or a cluster image's name at a registry. */
  readonly subject: string;
  /** Ids of secrets, whose values whoever runs it has in variables or files of these names. */
  readonly secrets?: Iterable<string>;
}

/** What a person who looks for an error does without: results for others, and places of one machine. */
const leftOut: readonly string[] = [
  ...["push", "secret", "output", "metadataFile", "report", "store", "progress", "cacheTo"],
  ...["verdict", "comment", "key", "keep", "ttl", "name", "host"],
];
/** Flags that name files of the commit. */
const fileFlags: readonly string[] = ["values", "kindConfig"];

/** One line for a POSIX shell that does what a job did: the commit's files, where they are needed, then the same flags. */
export function reproduceCommand(job: ReproducibleJob, { env, cwd }: Pick<CommandContext, "env" | "cwd">): string {
  const { verb, inputs, flags, subject, secrets = [] } = job;
  const shown = isAbsolute(subject)
    ? relative(env.GITHUB_WORKSPACE ?? env.CI_PROJECT_DIR ?? cwd, subject).replace(/^-/, "./-") || "."
    : subject;
  const words = [
    ...Object.entries<Input>(inputs)
      .filter(([key, input]) => isIn("command", input) && !leftOut.includes(key))
      .flatMap(([key, input]) => flagWords(key, input, flags[key])),
    ...[...secrets].flatMap((id) => ["--secret", `id=${id}`]),
  ];
  const command = ["npx", "--yes", `kubefile-ci@${packageVersion()}`, verb, ...words, shown].map(quoted).join(" ");
  const commit = env.GITHUB_SHA ?? env.CI_COMMIT_SHA;
  const needsFiles = verb !== "verify" || fileFlags.some((key) => flags[key] !== undefined);
  if (!needsFiles || commit === undefined || !/^[0-9a-f]{40,64}$/.test(commit)) return command;
  return `git fetch origin ${commit} && git checkout FETCH_HEAD && ${command}`;
}

function flagWords(key: string, { kind, default: normal }: Input, value: unknown): string[] {
  const flag = `--${flagName(key)}`;
  switch (kind) {
    case "switch":
      if (normal === "true") return value === false ? [`--no-${flagName(key)}`] : [];
      return value === true ? [flag] : [];
    case "duration":
      return typeof value === "number" ? [flag, value % 1_000 === 0 ? `${value / 1_000}s` : `${value}ms`] : [];
    default:
      return (Array.isArray(value) ? value : [value]).flatMap((each: unknown) =>
        typeof each === "string" ? [flag, each] : [],
      );
  }
}

function quoted(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}
