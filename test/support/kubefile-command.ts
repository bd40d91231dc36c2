import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { docker, lines } from "./docker.ts";

export interface CommandResult {
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
  /** The runs that the command opened, as their state files named them. */
  readonly runIds: readonly string[];
}

export interface CommandOptions {
  /** A program, with its first arguments, that runs the command as its own last ones. */
  readonly through?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Goes on beside the command, from the moment its run is opened; awaited. */
  readonly during?: (runId: string, ended: AbortSignal) => Promise<void>;
}

/** A user's account with nothing in it but what a test puts there. */
export interface CommandHome {
  readonly directory: string;
  readonly store: string;
  /** Where the command keeps a run's state and the bundles of failed ones. */
  readonly state: string;
  /** The user's own kubeconfig files, the default one and that of KUBECONFIG, which are nobody else's business. */
  readonly kubeconfigs: readonly string[];
  readonly temporary: string;
  /** All that the command gets to know of the tests' environment. */
  readonly environment: Readonly<Record<string, string>>;
  kubefile(args: readonly string[], options?: CommandOptions): Promise<CommandResult>;
  remove(): Promise<void>;
}

export const userKubeconfig = "# the user's own\napiVersion: v1\nkind: Config\n";

export const command = fileURLToPath(new URL("../../bin/kubefile", import.meta.url));
/** What of the tests' environment the command gets; everything else is the home's. */
const inherited = ["PATH", "DOCKER_HOST", "DOCKER_CONTEXT", "DOCKER_TLS_VERIFY", "DOCKER_CERT_PATH"];
const COMMAND_TIMEOUT = 400_000;

/** Makes a home in a temporary directory, with caches, store, state and temporary files of its own. */
export async function commandHome(): Promise<CommandHome> {
  const directory = await mkdtemp(join(tmpdir(), "kubefile-home-"));
  const temporary = join(directory, "tmp");
  const kubeconfigs = [join(directory, ".kube", "config"), join(directory, "kubeconfig")];
  await Promise.all([mkdir(temporary), mkdir(join(directory, ".kube"))]);
  await Promise.all(kubeconfigs.map((file) => writeFile(file, userKubeconfig)));
  const state = join(directory, "state", "kubefile");
  const environment = {
    ...Object.fromEntries(inherited.map((name) => [name, process.env[name] ?? ""]).filter(([, value]) => value !== "")),
    HOME: directory,
    XDG_CACHE_HOME: join(directory, "cache"),
    XDG_STATE_HOME: join(directory, "state"),
    KUBECONFIG: join(directory, "kubeconfig"),
    TMPDIR: temporary,
  };
  return {
    directory,
    store: join(directory, "store"),
    state,
    kubeconfigs,
    temporary,
    environment,
    kubefile: (args, options = {}) =>
      runCommand(args, options, join(state, "runs"), { ...environment, ...options.env }),
    remove: () => rm(directory, { recursive: true, force: true }),
  };
}

async function runCommand(
  args: readonly string[],
  { during, through = [] }: CommandOptions,
  runs: string,
  env: NodeJS.ProcessEnv,
): Promise<CommandResult> {
  const [program = "", ...words] = [...through, process.execPath, command, ...args];
  const child = spawn(program, words, { env, stdio: ["ignore", "pipe", "pipe"] });
  const ended = new AbortController();
  // SIGTERM: also a command that takes too long cleans up.
  const limit = setTimeout(() => child.kill(), COMMAND_TIMEOUT);
  const output = { stdout: "", stderr: "" };
  child.stdout.on("data", (chunk) => {
    output.stdout += String(chunk);
  });
  child.stderr.on("data", (chunk) => {
    output.stderr += String(chunk);
  });
  const runIds = new Set<string>();
  const beside: Promise<void>[] = [];
  const look = async (): Promise<void> => {
    while (!ended.signal.aborted) {
      for (const runId of await openRuns(runs)) {
        if (runIds.has(runId)) continue;
        runIds.add(runId);
        const work = during?.(runId, ended.signal) ?? Promise.resolve();
        // Its failure ends the command at once; it is told when the command has cleaned up.
        work.catch(() => child.kill());
        beside.push(work);
      }
      await sleep(50);
    }
  };
  const looking = look();
  const [exitCode] = (await once(child, "close")) as [number | null];
  clearTimeout(limit);
  ended.abort();
  await Promise.all([looking, ...beside]);
  return { exitCode, ...output, runIds: [...runIds] };
}

async function openRuns(directory: string): Promise<readonly string[]> {
  const names = await readdir(directory).catch(() => []);
  return names.filter((name) => name.endsWith(".json")).map((name) => name.slice(0, -".json".length));
}

/** What runs have left in the engine and in the home, by name: nothing, when they cleaned up. */
export async function leftovers(home: CommandHome, runIds: readonly string[]): Promise<readonly string[]> {
  const inEngine = runIds.flatMap((runId) => [
    docker("ps", "--all", "--filter", `label=kubefile.run=${runId}`, "--format", "container {{.Names}}"),
    docker("ps", "--all", "--filter", `name=${runId}`, "--format", "container {{.Names}}"),
    docker("network", "ls", "--filter", `name=${runId}`, "--format", "network {{.Name}}"),
  ]);
  const files = [join(home.state, "runs"), home.temporary].map(async (directory) =>
    (await readdir(directory).catch(() => [])).map((name) => `file ${join(directory, name)}`),
  );
  return [...(await Promise.all(inEngine)).flatMap(lines), ...(await Promise.all(files)).flat()];
}
