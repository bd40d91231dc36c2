import { execFile } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { node24 } from "./action-run.ts";

const run = promisify(execFile);

export interface ActJob {
  readonly event: "push" | "pull_request";
  readonly payload: Readonly<Record<string, unknown>>;
  /** GitHub's services, as a runner tells actions of them; without it they are told nothing. */
  readonly services?: { readonly url: string; readonly token: string };
}

export interface ActResult {
  readonly succeeded: boolean;
  /** What the steps and the runner printed. */
  readonly log: string;
  readonly outputs: Readonly<Record<string, string>>;
  /** What would be marked on the job's page. */
  readonly warnings: readonly string[];
}

/** A repository with a workflow. Each run of it is a runner of its own: nothing is left of the one before. */
export interface ActRepository {
  run(job: ActJob): Promise<ActResult>;
  write(files: Readonly<Record<string, string>>): Promise<void>;
  remove(): Promise<void>;
}

const TIMEOUT = 120_000;

/**
 * Has act run workflows on this machine itself, without containers. `uses: kubefile-ci/kubefile-ci@v0` is the release.
 *
 * @param release what test/setup/release.ts made
 */
export async function actRepository(release: string, files: Readonly<Record<string, string>>): Promise<ActRepository> {
  const directory = await mkdtemp(join(tmpdir(), "kubefile-act-"));
  const repository = join(directory, "repository");
  await mkdir(repository);
  const [act, node] = await Promise.all([
    run(fileURLToPath(new URL("../setup/act", import.meta.url))).then(({ stdout }) => stdout.trim()),
    node24(),
  ]);
  const git = (...words: readonly string[]): Promise<unknown> =>
    run("git", ["-c", "user.name=Octocat", "-c", "user.email=octocat@example.com", ...words], { cwd: repository });
  const write = async (changed: Readonly<Record<string, string>>): Promise<void> => {
    for (const [name, text] of Object.entries(changed)) {
      await mkdir(dirname(join(repository, name)), { recursive: true });
      await writeFile(join(repository, name), text);
    }
    await git("add", "--all");
    await git("commit", "--quiet", "--allow-empty", "--message", "Change the shop");
  };
  await git("init", "--quiet", "--initial-branch=main");
  await git("remote", "add", "origin", "https://github.com/octocat/shop.git");
  await write(files);
  let runs = 0;
  return {
    write,
    async run({ event, payload, services }) {
      runs += 1;
      const home = join(directory, `runner-${runs}`);
      await mkdir(home);
      const payloadFile = join(directory, `event-${runs}.json`);
      await writeFile(payloadFile, JSON.stringify(payload));
      // act tells actions of its own service when it has one, unless its environment names another.
      const runtime =
        services === undefined
          ? { flags: [], env: {} }
          : {
              flags: ["--artifact-server-path", join(home, "artifacts"), "--artifact-server-port", "0"],
              env: { ACTIONS_RUNTIME_URL: services.url, ACTIONS_RUNTIME_TOKEN: services.token },
            };
      const words = [
        ...[event, "--eventpath", payloadFile, "--platform", "ubuntu-latest=-self-hosted", "--no-cache-server"],
        ...["--local-repository", `kubefile-ci/kubefile-ci@v0=${release}`, "--artifact-server-addr", "127.0.0.1"],
        ...runtime.flags,
      ];
      const env = { ...machine(home, dirname(node)), ...runtime.env };
      const { stdout, stderr, failed } = await run(act, words, { cwd: repository, env, timeout: TIMEOUT }).then(
        (output) => ({ ...output, failed: false }),
        (error: { stdout?: string; stderr?: string }) => ({
          stdout: error.stdout ?? "",
          stderr: error.stderr ?? String(error),
          failed: true,
        }),
      );
      await rm(home, { recursive: true, force: true });
      const log = `${stdout}${stderr}`;
      return {
        succeeded: !failed && log.includes("Job succeeded"),
        log,
        outputs: Object.fromEntries(
          [...log.matchAll(/::set-output:: ([\w-]+)=(.*)$/gm)].map(([, name = "", value = ""]) => [name, value]),
        ),
        warnings: [...log.matchAll(/::warning[^:]*::(.*)$/gm)].map(([, text = ""]) => text),
      };
    },
    remove: () => rm(directory, { recursive: true, force: true }),
  };
}

/** All that act and its steps get to know of the tests' environment. */
function machine(home: string, node: string): Record<string, string> {
  return {
    PATH: `${node}:${process.env.PATH ?? ""}`,
    HOME: home,
    XDG_CACHE_HOME: join(home, "cache"),
    TMPDIR: home,
    DOCKER_HOST: "unix:///nowhere/docker.sock",
  };
}
