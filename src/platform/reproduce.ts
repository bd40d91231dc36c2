import { relative } from "node:path";
import { type BuildFlags, buildInputs } from "./build-inputs.ts";
import type { CommandContext } from "./context.ts";
import { flagName, type Input, isIn } from "./inputs.ts";
import { packageVersion } from "./version.ts";

/** What a person who looks for an error does without: results for others, and places of one machine. */
const leftOut: readonly string[] = [
  "push",
  "secret",
  "output",
  "metadataFile",
  "report",
  "store",
  "progress",
  "cacheTo",
];

/**
 * One line for a POSIX shell that does what a job did: the commit's files, then the same flags.
 *
 * @param job the flags that were asked, the absolute path of the build context, and ids of secrets, whose values whoever
 * runs it has in variables or files of these names
 */
export function reproduceCommand(
  job: { readonly flags: BuildFlags; readonly context: string; readonly secrets?: Iterable<string> },
  { env, cwd }: Pick<CommandContext, "env" | "cwd">,
): string {
  const context = relative(env.GITHUB_WORKSPACE ?? env.CI_PROJECT_DIR ?? cwd, job.context);
  const given = new Map<string, unknown>(Object.entries(job.flags));
  const words = [
    ...Object.entries<Input>(buildInputs)
      .filter(([key, input]) => isIn("command", input) && !leftOut.includes(key))
      .flatMap(([key, input]) => flagWords(key, input, given.get(key))),
    ...[...(job.secrets ?? [])].flatMap((id) => ["--secret", `id=${id}`]),
  ];
  const command = [
    "npx",
    "--yes",
    `kubefile-ci@${packageVersion()}`,
    "build",
    ...words,
    context.replace(/^-/, "./-") || ".",
  ]
    .map(quoted)
    .join(" ");
  const commit = env.GITHUB_SHA ?? env.CI_COMMIT_SHA;
  if (commit === undefined || !/^[0-9a-f]{40,64}$/.test(commit)) return command;
  return `git fetch origin ${commit} && git checkout FETCH_HEAD && ${command}`;
}

function flagWords(key: string, { kind, default: normal }: Input, value: unknown): string[] {
  const flag = `--${flagName(key)}`;
  switch (kind) {
    case "switch":
      if (normal === "true") return value === false ? [`--no-${flagName(key)}`] : [];
      return value === true ? [flag] : [];
    case "duration":
      return typeof value === "number" ? [flag, `${value}ms`] : [];
    default:
      return (Array.isArray(value) ? value : [value]).flatMap((each: unknown) =>
        typeof each === "string" ? [flag, each] : [],
      );
  }
}

function quoted(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}
