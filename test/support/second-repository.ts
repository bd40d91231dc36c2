import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { cp, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { node24 } from "./action-run.ts";
import { workflows } from "./workflow-files.ts";

export interface WorkflowEvent {
  readonly name: string;
  readonly payload?: object;
  /** What GitHub says of the run: GITHUB_REF, GITHUB_API_URL. */
  readonly env?: Readonly<Record<string, string>>;
}

export interface WorkflowRun {
  readonly exitCode: number | null;
  readonly log: string;
}

/** Somebody else's repository, shop/app, whose workflows call ours by their full names. */
export interface SecondRepository {
  readonly directory: string;
  /** All that its jobs get to know of the tests' environment. */
  readonly environment: Readonly<Record<string, string>>;
  /** Where stand-ins of GitHub's own actions keep artifacts. */
  readonly artifacts: string;
  /** @returns the commit's id */
  commit(files: Readonly<Record<string, string>>): Promise<string>;
  /** Makes another clone at a commit, whose runs may go on beside others. */
  clone(commit: string): Promise<SecondRepository>;
  /** Runs one workflow by act, on this machine. */
  run(workflow: string, event: WorkflowEvent): Promise<WorkflowRun>;
  remove(): Promise<void>;
}

export const registryAuths = "REGISTRY_AUTHS";
const TIMEOUT = 500_000;
const git = promisify(execFile);
const fixtures = fileURLToPath(new URL("../fixtures/workflows/", import.meta.url));

/**
 * @param release what test/setup/release.ts made; it plays the release that workflows name
 * @param secrets of the repository, by name
 */
export async function secondRepository(
  release: string,
  secrets: Readonly<Record<string, string>>,
): Promise<SecondRepository> {
  const home = await mkdtemp(join(tmpdir(), "kubefile-second-"));
  const directory = join(home, "shop");
  await mkdir(join(home, "tmp"), { recursive: true });
  const secretFile = join(home, "secrets");
  await writeFile(
    secretFile,
    Object.entries(secrets)
      .map(([name, value]) => `${name}='${value}'\n`)
      .join(""),
  );
  await git("git", ["init", "--quiet", "--initial-branch=main", directory]);
  await git("git", ["-C", directory, "remote", "add", "origin", "https://github.com/shop/app"]);
  return await openRepository({ home, directory, release, secretFile });
}

async function openRepository(place: {
  readonly home: string;
  readonly directory: string;
  readonly release: string;
  readonly secretFile: string;
}): Promise<SecondRepository> {
  const { home, directory, release, secretFile } = place;
  const run = async (...args: string[]): Promise<string> =>
    (
      await git("git", ["-C", directory, "-c", "user.name=octocat", "-c", "user.email=octocat@github.example", ...args])
    ).stdout.trim();
  const node = await node24();
  const artifacts = join(home, "artifacts");
  const environment = {
    PATH: `${dirname(node)}:${process.env.PATH ?? ""}`,
    ...(process.env.DOCKER_HOST === undefined ? {} : { DOCKER_HOST: process.env.DOCKER_HOST }),
    HOME: home,
    TMPDIR: join(home, "tmp"),
    XDG_CACHE_HOME: join(home, "cache"),
    XDG_STATE_HOME: join(home, "state"),
    ARTIFACTS: artifacts,
  };
  return {
    ...{ directory, environment, artifacts },
    async commit(files) {
      for (const [name, content] of Object.entries(files)) {
        await mkdir(dirname(join(directory, name)), { recursive: true });
        await writeFile(join(directory, name), content);
      }
      await run("add", "--all");
      await run("commit", "--quiet", "--allow-empty", "--message", "Change it");
      return await run("rev-parse", "HEAD");
    },
    async clone(commit) {
      const other = await mkdtemp(join(home, "clone-"));
      await cp(directory, join(other, "shop"), { recursive: true });
      await git("git", ["-C", join(other, "shop"), "reset", "--quiet", "--hard", commit]);
      return await openRepository({ ...place, directory: join(other, "shop") });
    },
    async run(workflow, { name, payload = {}, env = {} }) {
      const act = (await git(fileURLToPath(new URL("../setup/act", import.meta.url)))).stdout.trim();
      const cache = await mkdtemp(join(home, "act-"));
      const event = join(cache, "event.json");
      await writeFile(event, JSON.stringify(payload));
      const args = [
        ...[name, "--workflows", `.github/workflows/${workflow}`, "--eventpath", event],
        ...[
          "--platform",
          "ubuntu-latest=-self-hosted",
          "--secret-file",
          secretFile,
          "--secret",
          "GITHUB_TOKEN=ghs_token",
        ],
        ...["--actor", "octocat", "--action-cache-path", cache, "--no-cache-server", "--defaultbranch", "main"],
        ...localRepositories(release).flatMap((each) => ["--local-repository", each]),
        // No test asks the real one.
        ...Object.entries({ GITHUB_API_URL: "http://127.0.0.1:9", ...env }).flatMap(([variable, value]) => [
          "--env",
          `${variable}=${value}`,
        ]),
      ];
      return await runAct(act, args, directory, environment);
    },
    remove: () => rm(home, { recursive: true, force: true }),
  };
}

/** What workflows name, by `owner/name@ref`, and the directory that plays it. */
function localRepositories(release: string): readonly string[] {
  const named = workflows.flatMap(({ text }) => [
    ...text.matchAll(/uses: ((?:kubefile-ci\/kubefile-ci|actions\/(?:up|down)load-artifact))[\w/-]*@([0-9a-f]{40})/g),
  ]);
  const directories = named.map(([, repository = "", ref = ""]) => {
    const directory = repository.startsWith("actions/") ? join(fixtures, repository.slice("actions/".length)) : release;
    return `${repository}@${ref}=${directory}`;
  });
  return [...new Set([...directories, `kubefile-ci/kubefile-ci@v0=${release}`])];
}

async function runAct(
  act: string,
  args: readonly string[],
  cwd: string,
  env: Readonly<Record<string, string>>,
): Promise<WorkflowRun> {
  const child = spawn(act, args, { cwd, env, stdio: ["ignore", "pipe", "pipe"] });
  const limit = setTimeout(() => child.kill(), TIMEOUT);
  let log = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (chunk: string) => {
      log += chunk;
    });
  }
  const [exitCode]: (number | null)[] = await once(child, "close");
  clearTimeout(limit);
  return { exitCode: exitCode ?? null, log };
}
