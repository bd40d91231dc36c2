import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, cp, mkdir, readFile, writeFile } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify, stripVTControlCharacters } from "node:util";
import { parse, stringify } from "yaml";
import { type GitRepository, gitRepository } from "./git-repository.ts";
import { command } from "./kubefile-command.ts";

const templates = fileURLToPath(new URL("../../gitlab-templates", import.meta.url));
const setup = fileURLToPath(new URL("../setup/gitlab-ci-local", import.meta.url));
const TIMEOUT = 500_000;

export interface Component {
  /** The file in gitlab-templates/, without its ending. */
  readonly name: string;
  readonly inputs?: Readonly<Record<string, string | boolean | readonly string[]>>;
}

export interface PipelineOptions {
  readonly components: readonly Component[];
  /** What the project's own file says of their jobs, over what they say. */
  readonly overrides?: Readonly<Record<string, object>>;
  /** What GitLab, the project's settings and the runner set. */
  readonly variables: Readonly<Record<string, string>>;
  /** Predefined variables that such a pipeline lacks. */
  readonly without?: readonly string[];
  /** A program, with its first arguments, that runs the runner as its own last ones. */
  readonly through?: readonly string[];
  /** Runs this job alone, also one that waits for somebody. */
  readonly job?: string;
}

export interface PipelineResult {
  readonly exitCode: number | null;
  /** Of all jobs, without colours. */
  readonly log: string;
  /** What one job wrote. */
  logOf(job: string): string;
  /** A file among a job's artifacts. */
  artifact(job: string, path: string): Promise<string>;
}

/** A project of GitLab with a runner of its own: gitlab-ci-local, whose jobs are this machine's processes. */
export interface GitLabProject {
  /** Commits files to the branch main; returns the commit's id. */
  commit: GitRepository["commit"];
  run(options: PipelineOptions): Promise<PipelineResult>;
  /** Reads the pipeline as GitLab does, its published schema included, and runs nothing. Rejects with what is wrong. */
  read(options: PipelineOptions): Promise<ReadPipeline>;
}

export interface ReadPipeline {
  /** The jobs that would run, by their names. */
  readonly jobs: readonly string[];
  /** All of them, with everything that they extend. */
  readonly configuration: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}

/**
 * @param directory an empty one
 * @param environment what the runner's jobs get of this machine's
 */
export async function gitlabProject(
  directory: string,
  environment: Readonly<Record<string, string>>,
): Promise<GitLabProject> {
  const { stdout } = await promisify(execFile)(setup);
  const runner = stdout.trim();
  const bin = join(directory, ".git", "bin");
  const repository = gitRepository(directory);
  repository.git("init", "--quiet");
  repository.git("remote", "add", "origin", "https://gitlab.test/shop/tiny.git");
  await mkdir(bin);
  await writeFile(join(bin, "kubefile"), `#!/bin/sh\nexec "${process.execPath}" "${command}" "$@"\n`);
  await chmod(join(bin, "kubefile"), 0o755);
  await cp(templates, join(directory, "gitlab-templates"), { recursive: true });
  repository.git("config", "user.name", "a");
  repository.git("config", "user.email", "a@shop.test");
  repository.commit("templates", { ".gitignore": ".gitlab-ci-local/\n.gitlab-ci.yml\n" });
  // As a clone has it.
  repository.git("update-ref", "refs/remotes/origin/main", "HEAD");
  repository.git("symbolic-ref", "refs/remotes/origin/HEAD", "refs/remotes/origin/main");
  const env = { ...environment, PATH: `${bin}${delimiter}${environment.PATH ?? ""}`, NO_COLOR: "1" };
  // As runners do before each job; this one leaves that to its user, and copies artifacts into the work tree.
  const clean = (): string => repository.git("clean", "--force", "-d", "-x", "--quiet");
  const invoke = async (options: PipelineOptions, more: readonly string[]): Promise<RunnerResult> => {
    const { components, overrides = {}, variables, without = [], through = [], job } = options;
    const include = components.map(({ name, inputs = {} }) => ({ local: `gitlab-templates/${name}.yml`, inputs }));
    clean();
    await writeFile(join(directory, ".gitlab-ci.yml"), stringify({ include, ...overrides }));
    // GitLab takes an empty list of tags, which means any runner; its published schema does not.
    const flags = [
      "--force-shell-executor",
      "--no-color",
      "--ignore-schema-paths",
      "#/definitions/tags/minItems",
      ...more,
    ];
    flags.push("--ignore-predefined-vars", Object.keys(variables).join(","));
    for (const [name, value] of Object.entries(variables)) flags.push("--variable", `${name}=${value}`);
    for (const name of without) flags.push("--unset-variable", name);
    const [program = "", ...words] = [...through, runner, ...flags, ...(job === undefined ? [] : [job])];
    return await runRunner(program, words, { cwd: directory, env });
  };
  const state = join(directory, ".gitlab-ci-local");
  return {
    commit(message, files) {
      clean();
      return repository.commit(message, files);
    },
    async run(options) {
      const result = await invoke(options, []);
      return { ...result, artifact: (job, path) => readFile(join(state, "artifacts", job, path), "utf8") };
    },
    async read(options) {
      const { exitCode, stdout, log } = await invoke(options, ["--list-json"]);
      if (exitCode !== 0) throw new Error(log);
      const listed: readonly { readonly name: string; readonly when: string }[] = JSON.parse(stdout);
      return {
        jobs: listed.filter(({ when }) => when !== "never").map(({ name }) => name),
        configuration: parse(await readFile(join(state, "expanded-gitlab-ci.yml"), "utf8")),
      };
    },
  };
}

interface RunnerResult extends Pick<PipelineResult, "exitCode" | "log" | "logOf"> {
  readonly stdout: string;
}

async function runRunner(
  program: string,
  words: readonly string[],
  options: { readonly cwd: string; readonly env: NodeJS.ProcessEnv },
): Promise<RunnerResult> {
  const child = spawn(program, words, { ...options, stdio: ["ignore", "pipe", "pipe"] });
  const limit = setTimeout(() => child.kill(), TIMEOUT);
  const output = { stdout: "", both: "" };
  child.stdout.setEncoding("utf8").on("data", (chunk: string) => {
    output.stdout += chunk;
    output.both += chunk;
  });
  child.stderr.setEncoding("utf8").on("data", (chunk: string) => {
    output.both += chunk;
  });
  const [exitCode]: (number | null)[] = await once(child, "close");
  clearTimeout(limit);
  const log = stripVTControlCharacters(output.both);
  const logOf = (job: string): string =>
    log
      .split("\n")
      .filter((line) => line.startsWith(`${job} `))
      .join("\n");
  return { exitCode: exitCode ?? null, stdout: output.stdout, log, logOf };
}
