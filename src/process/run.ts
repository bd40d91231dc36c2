import { type ChildProcess, spawn } from "node:child_process";
import { PassThrough, type Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { errorMessage, KubefileError } from "../error.ts";
import { onAbort } from "./on-abort.ts";
import { outputTail } from "./output-tail.ts";
import { readLines } from "./read-lines.ts";

export interface RunOptions {
  readonly signal?: AbortSignal | undefined;
  /** Milliseconds; every process has a limit. */
  readonly timeout: number;
  /** The whole environment of the child. Callers pass what it needs, never more. */
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  readonly input?: Readable | Buffer | string;
  /** Called for each line of either stream as it arrives. */
  readonly onLine?: (line: string, stream: "stdout" | "stderr") => void;
  /** Takes the child's stdout as a stream instead of collecting it; resolves when it has been read. */
  readonly output?: (stdout: Readable) => Promise<void>;
  /**
   * On abort or timeout only the program itself is ended, not what it has started: the caller sees to that.
   */
  readonly sparesChildren?: boolean;
  /** What it leaves running of its group is ended when it ends; else it is waited for. */
  readonly endsChildren?: boolean;
  /** A non-zero exit is returned rather than thrown. */
  readonly allowFailure?: boolean;
}

export interface RunResult {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** What is kept of a stream for the result; the rest has gone to `onLine`. */
const KEEP_CHARACTERS = 4 * 1024 * 1024;
/** From SIGTERM to SIGKILL, and from there until whoever still holds the output is no longer waited for. */
const GRACE_MILLISECONDS = 2_000;

/**
 * Runs a program and waits for it. On abort or timeout the child gets SIGTERM, then SIGKILL two seconds later. What has
 * left its group by then, and so lives on, is not waited for.
 *
 * @throws KubefileError COMMAND_FAILED, COMMAND_TIMEOUT, TOOL_MISSING, CANCELLED
 */
export async function run(command: string, args: readonly string[], options: RunOptions): Promise<RunResult> {
  if (options.signal?.aborted) throw new KubefileError("CANCELLED", "cancelled");
  const child = spawn(command, args, {
    // A group of its own: Ctrl-C in a terminal reaches us alone, and we decide in which order things end.
    detached: true,
    stdio: [options.input === undefined ? "ignore" : "pipe", "pipe", "pipe"],
    ...(options.env === undefined ? {} : { env: { ...options.env } }),
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
  });
  let stopped: "timeout" | "cancelled" | undefined;
  const timers: NodeJS.Timeout[] = [];
  const letGo = (): void => {
    // A program in a session of its own would keep us for as long as it lives.
    for (const stream of [child.stdout, child.stderr]) stream?.destroy();
  };
  const end = (signal: NodeJS.Signals): void => {
    if (options.sparesChildren === true) child.kill(signal);
    else killGroup(child, signal);
  };
  const stop = (reason: "timeout" | "cancelled"): void => {
    if (stopped !== undefined) return;
    stopped = reason;
    end("SIGTERM");
    timers.push(
      setTimeout(() => end("SIGKILL"), GRACE_MILLISECONDS),
      setTimeout(letGo, 2 * GRACE_MILLISECONDS),
    );
  };
  timers.push(setTimeout(() => stop("timeout"), options.timeout));
  const stopListening = options.signal === undefined ? undefined : onAbort(options.signal, () => stop("cancelled"));
  if (options.endsChildren === true) {
    // A little later: a `tee` behind it has its last lines to write.
    child.once("exit", () => {
      const kill = (): void => killGroup(child, "SIGKILL");
      timers.push(setTimeout(kill, GRACE_MILLISECONDS), setTimeout(letGo, 2 * GRACE_MILLISECONDS));
    });
  }
  const tails = { stdout: outputTail(KEEP_CHARACTERS), stderr: outputTail(KEEP_CHARACTERS) };
  const collect = (stream: Readable, name: "stdout" | "stderr"): Promise<void> => {
    const { onLine } = options;
    if (onLine !== undefined) {
      return readLines(stream, (line) => {
        onLine(line, name);
        tails[name].add(`${line}\n`);
      });
    }
    stream.setEncoding("utf8");
    stream.on("data", (chunk: string) => tails[name].add(chunk));
    return new Promise((resolve) => stream.once("close", resolve));
  };
  const exited = new Promise<number>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code, signal) => resolve(code ?? (signal === null ? 1 : 128)));
  });
  const { stdout, stderr, stdin } = child;
  if (stdout === null || stderr === null) throw new KubefileError("INTERNAL", `${command}: no pipes`);
  try {
    const work: Promise<unknown>[] = [exited, collect(stderr, "stderr")];
    work.push(options.output === undefined ? collect(stdout, "stdout") : options.output(taken(stdout)));
    if (stdin !== null && options.input !== undefined) {
      if (typeof options.input === "string" || Buffer.isBuffer(options.input)) stdin.end(options.input);
      // A child that ends early closes its input; its exit code tells why, not the broken pipe.
      else work.push(pipeline(options.input, stdin).catch(() => undefined));
      stdin.on("error", () => undefined);
    }
    await Promise.all(work);
  } catch (error) {
    killGroup(child, "SIGKILL");
    if (isMissing(error)) {
      throw new KubefileError("TOOL_MISSING", `${command} is not installed or not on PATH`, { cause: error });
    }
    if (stopped === undefined) throw error;
  } finally {
    for (const timer of timers) clearTimeout(timer);
    if (options.endsChildren === true) killGroup(child, "SIGKILL");
    stopListening?.();
  }
  const shown = [command, ...args].join(" ").slice(0, 300);
  if (stopped === "cancelled") throw new KubefileError("CANCELLED", `cancelled while running ${shown}`);
  if (stopped === "timeout") {
    throw new KubefileError("COMMAND_TIMEOUT", `${shown} did not end within ${Math.round(options.timeout / 1000)} s`);
  }
  const exitCode = await exited;
  const kept = { stdout: tails.stdout.text(), stderr: tails.stderr.text() };
  if (exitCode !== 0 && options.allowFailure !== true) {
    const said = (kept.stderr.trim() || kept.stdout.trim()).split("\n").slice(-8).join("\n");
    throw new KubefileError(
      "COMMAND_FAILED",
      `${shown} ended with exit code ${exitCode}${said === "" ? "" : `: ${said}`}`,
    );
  }
  return { exitCode, ...kept };
}

/** Node throws away what nobody reads yet when a program ends: a reader may take its time to begin. */
function taken(stdout: Readable): Readable {
  const kept = new PassThrough();
  // Whoever reads is told of an error by what it reads from.
  pipeline(stdout, kept).catch(() => undefined);
  return kept;
}

function killGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, signal);
  } catch {
    // The group has ended already.
  }
}

function isMissing(error: unknown): boolean {
  return (
    error instanceof Error && "code" in error && error.code === "ENOENT" && errorMessage(error).startsWith("spawn")
  );
}
