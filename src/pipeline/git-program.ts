import type { Readable } from "node:stream";
import { errorMessage, KubefileError } from "../error.ts";
import { printable } from "../process/printable.ts";
import { type RunResult, run } from "../process/run.ts";

/** What git needs of this machine, and all that it gets of it. */
export interface GitEnvironment {
  /** Where `git` is looked for, and the proxies that addresses are reached by. */
  readonly variables: Readonly<Record<string, string>>;
  /** Absolute path of a PEM file with every authority to trust; git's own when absent. */
  readonly authorities?: string | undefined;
}

export interface GitCall {
  readonly environment: GitEnvironment;
  /** Absolute path of a bare repository, when there is one. */
  readonly repository?: string;
  /** An `Authorization` header for addresses that begin with `origin`. */
  readonly authorization?: { readonly origin: string; readonly header: string } | undefined;
  /** Milliseconds. */
  readonly timeout: number;
  readonly signal: AbortSignal;
  readonly output?: (stdout: Readable) => Promise<void>;
}

/** In 512-byte blocks: the largest file that git may write, which is the pack it fetches. */
const LARGEST_PACK = (4 * 1024 ** 3) / 512;

/**
 * What a stranger's repository and server could otherwise decide: nothing of the user's configuration is read, no hook or
 * filter is run, only http is spoken, no redirect is followed, and no credential is looked for.
 */
const settings: Readonly<Record<string, string>> = {
  "core.hooksPath": "/dev/null",
  "core.fsmonitor": "false",
  "core.attributesFile": "/dev/null",
  "credential.helper": "",
  "fetch.fsckObjects": "true",
  "fetch.recurseSubmodules": "false",
  "gc.auto": "0",
  "maintenance.auto": "false",
  "http.followRedirects": "false",
  "http.lowSpeedLimit": "1000",
  "http.lowSpeedTime": "60",
  "pack.threads": "1",
  "tar.umask": "0022",
};

/**
 * Runs git. A header goes by a variable of the program's own, so that it is in no command line.
 *
 * @throws KubefileError TOOL_MISSING, FETCH_FAILED with git's last words, COMMAND_TIMEOUT, CANCELLED
 */
export async function git(args: readonly string[], call: GitCall): Promise<string> {
  const { environment, repository, authorization, timeout, signal, output } = call;
  const options = Object.entries(settings).flatMap(([name, value]) => ["-c", `${name}=${value}`]);
  const limited = `ulimit -f ${LARGEST_PACK} && exec git "$@"`;
  const words = [...options, ...(repository === undefined ? [] : [`--git-dir=${repository}`]), ...args];
  const result = await run("sh", ["-c", limited, "sh", ...words], {
    env: {
      ...environment.variables,
      ...(environment.authorities === undefined ? {} : { GIT_SSL_CAINFO: environment.authorities }),
      ...(authorization === undefined ? {} : headerVariables(authorization)),
      GIT_CONFIG_NOSYSTEM: "1",
      GIT_CONFIG_GLOBAL: "/dev/null",
      GIT_ALLOW_PROTOCOL: "http:https",
      GIT_TERMINAL_PROMPT: "0",
      GIT_ASKPASS: "",
      SSH_ASKPASS: "",
      GIT_OPTIONAL_LOCKS: "0",
      HOME: "/nonexistent",
      LC_ALL: "C",
    },
    cwd: "/",
    timeout,
    signal,
    allowFailure: true,
    ...(output === undefined ? {} : { output }),
  });
  if (result.exitCode === 0) return result.stdout;
  throw gitFailure(result);
}

/** A setting for this call alone (git-config, "GIT_CONFIG_COUNT"). */
function headerVariables({ origin, header }: NonNullable<GitCall["authorization"]>): Record<string, string> {
  const key = `http.${origin}/.extraHeader`;
  return { GIT_CONFIG_COUNT: "1", GIT_CONFIG_KEY_0: key, GIT_CONFIG_VALUE_0: header };
}

function gitFailure({ exitCode, stderr }: RunResult): KubefileError {
  if (exitCode === 127) {
    return new KubefileError("TOOL_MISSING", "git is not installed or not on PATH", {
      hint: "install git, or fetch the files with RUN git clone",
    });
  }
  const said = printable(stderr.trim().split("\n").slice(-3).join(" "));
  // 128 + SIGXFSZ, or what git makes of the failed write.
  const isTooLarge = exitCode === 153 || /file too large/i.test(stderr);
  const message = isTooLarge ? `more than ${LARGEST_PACK * 512} bytes` : said || `git ended with exit code ${exitCode}`;
  return new KubefileError("FETCH_FAILED", message, { hint: hintFor(said) });
}

function hintFor(said: string): string {
  if (/could not read (?:username|password)|authentication failed|\b40[13]\b/i.test(said)) {
    return "when it is private, give its host's token: --secret id=GIT_AUTH_TOKEN.HOST,env=VARIABLE";
  }
  if (/redirect|\b30[1278]\b/i.test(said))
    return "the repository has moved, and redirects are not followed: write its new address";
  return "check the address, and whether this machine reaches it";
}

/** Says whose failure it was. */
export function aboutRepository(url: string, error: unknown): unknown {
  if (!(error instanceof KubefileError) || error.code !== "FETCH_FAILED") return error;
  return new KubefileError("FETCH_FAILED", `cannot fetch ${url}: ${errorMessage(error)}`, {
    ...(error.hint === undefined ? {} : { hint: error.hint }),
    cause: error,
  });
}
