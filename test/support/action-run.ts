import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { performance } from "node:perf_hooks";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

export interface ActionOptions {
  readonly inputs?: Readonly<Record<string, string>>;
  readonly env?: Readonly<Record<string, string>>;
}

export interface ActionResult {
  readonly exitCode: number | null;
  /** Both streams, as a runner reads them. */
  readonly log: readonly string[];
  readonly outputs: Readonly<Record<string, string>>;
  readonly state: Readonly<Record<string, string>>;
  /** Directories put on PATH, the last one first. */
  readonly path: readonly string[];
  readonly summary: string;
  /** Milliseconds until the first line of the log. */
  readonly firstLine: number;
}

/** A job's machine: a workspace, and what a runner gives its actions. */
export interface ActionRunner {
  readonly directory: string;
  readonly workspace: string;
  readonly toolCache: string;
  /** All that an action gets to know of the tests' environment, with the runner's own variables. */
  readonly environment: Readonly<Record<string, string>>;
  /** Runs `dist/NAME.js` of a release. */
  run(name: string, options?: ActionOptions): Promise<ActionResult>;
  remove(): Promise<void>;
}

const TIMEOUT = 300_000;

/** @param release what test/setup/release.ts made */
export async function actionRunner(release: string): Promise<ActionRunner> {
  const directory = await mkdtemp(join(tmpdir(), "kubefile-runner-"));
  const [workspace, temporary, toolCache] = ["workspace", "temporary", "tools"].map((name) => join(directory, name));
  if (workspace === undefined || temporary === undefined || toolCache === undefined) throw new Error("unreachable");
  for (const each of [workspace, temporary, toolCache]) await mkdir(each);
  const environment = {
    PATH: process.env.PATH ?? "",
    HOME: directory,
    TMPDIR: temporary,
    CI: "true",
    GITHUB_ACTIONS: "true",
    GITHUB_WORKSPACE: workspace,
    GITHUB_SERVER_URL: "https://github.com",
    GITHUB_REPOSITORY: "octocat/shop",
    GITHUB_RUN_ID: "1",
    RUNNER_TEMP: temporary,
    RUNNER_TOOL_CACHE: toolCache,
  };
  let step = 0;
  return {
    ...{ directory, workspace, toolCache, environment },
    async run(name, { inputs = {}, env = {} } = {}) {
      step += 1;
      const file = (kind: string): string => join(directory, `${kind}-${step}`);
      const files = {
        GITHUB_OUTPUT: "output",
        GITHUB_STATE: "state",
        GITHUB_PATH: "path",
        GITHUB_STEP_SUMMARY: "page",
      };
      const named = Object.entries(files).map(([variable, kind]) => [variable, file(kind)]);
      const given = Object.entries(inputs).map(([input, value]) => [`INPUT_${input.toUpperCase()}`, value]);
      const ran = await runNode(join(release, "dist", `${name}.js`), workspace, {
        ...environment,
        ...Object.fromEntries([...named, ...given]),
        ...env,
      });
      const read = (kind: string): Promise<string> => readFile(file(kind), "utf8").catch(() => "");
      return {
        ...ran,
        outputs: entriesOf(await read("output")),
        state: entriesOf(await read("state")),
        path: (await read("path")).split("\n").filter(Boolean).reverse(),
        summary: await read("page"),
      };
    },
    remove: () => rm(directory, { recursive: true, force: true }),
  };
}

/** The Node that actions run on: `using: node24`. */
export async function node24(): Promise<string> {
  const script = fileURLToPath(new URL("../setup/node24", import.meta.url));
  const { stdout } = await promisify(execFile)(script);
  return stdout.trim();
}

async function runNode(
  program: string,
  cwd: string,
  env: NodeJS.ProcessEnv,
): Promise<Pick<ActionResult, "exitCode" | "log" | "firstLine">> {
  const node = await node24();
  const start = performance.now();
  const child = spawn(node, [program], { cwd, env, stdio: ["ignore", "pipe", "pipe"] });
  const limit = setTimeout(() => child.kill(), TIMEOUT);
  let text = "";
  let firstLine = Number.NaN;
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (chunk: string) => {
      if (text === "") firstLine = performance.now() - start;
      text += chunk;
    });
  }
  const [exitCode]: (number | null)[] = await once(child, "close");
  clearTimeout(limit);
  return { exitCode: exitCode ?? null, log: text.trimEnd().split("\n"), firstLine };
}

/** What a runner reads of a file of `NAME<<DELIMITER`, lines, `DELIMITER`. */
function entriesOf(text: string): Record<string, string> {
  return Object.fromEntries(
    [...text.matchAll(/^([\w-]+)<<(\S+)\n(.*?)\n\2$/gms)].map(([, name = "", , value = ""]) => [name, value]),
  );
}
