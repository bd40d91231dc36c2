import { Command, CommanderError } from "commander";
import { KubefileError } from "../error.ts";
import { asKubefileError } from "../pipeline/failure.ts";
import { annotateError } from "../platform/annotate-error.ts";
import { type CommandContext, processContext, showsColor } from "../platform/context.ts";
import { printError } from "../platform/print-error.ts";
import { packageVersion } from "../platform/version.ts";
import { aboutFile, isDiskFull } from "../process/disk-full.ts";
import { registerBuild } from "./build.ts";
import { registerCache } from "./cache.ts";
import { registerClean } from "./clean.ts";
import { registerDiff } from "./diff.ts";
import { registerImages } from "./images.ts";
import { registerIndex } from "./index.ts";
import { registerInspect } from "./inspect.ts";
import { registerLint } from "./lint.ts";
import { registerLock } from "./lock.ts";
import { registerNote } from "./note.ts";
import { registerPreview } from "./preview.ts";
import { registerPromote } from "./promote.ts";
import { registerPush } from "./push.ts";
import { registerRelease } from "./release.ts";
import { registerRun } from "./run.ts";
import { registerServe } from "./serve.ts";
import { registerTag } from "./tag.ts";
import { registerVerify } from "./verify.ts";

/** Runs the command line of this process and ends it with its exit code. */
export async function start(): Promise<void> {
  const context = processContext();
  let lost: unknown;
  process.stdout.on("error", (error) => {
    lost ??= error;
  });
  let exitCode = await main(process.argv.slice(2), context);
  // What a pipe has not taken yet would be lost.
  await Promise.all([process.stdout, process.stderr].map(written));
  // Whoever closed a pipe wants no more; a file that is cut short by a full disk would be taken for the whole.
  if (exitCode === 0 && isDiskFull(lost)) exitCode = printed(aboutFile("the standard output", lost), context);
  process.exitCode = exitCode;
  // Kept-alive sockets and timers of libraries must not hold the process once all is cleaned up.
  process.exit();
}

/** Settles when all is written, or nobody reads any more. */
function written(stream: NodeJS.WriteStream): Promise<void> {
  return new Promise((resolve) => {
    stream.once("error", () => resolve());
    stream.write("", () => resolve());
  });
}

/** @returns the exit code: 0 done, 1 the build failed, 2 wrong usage or input, 3 the environment lacks something, 130 cancelled */
export async function main(argv: readonly string[], context: CommandContext): Promise<number> {
  let exitCode = 0;
  const program = createProgram(context, (code) => {
    exitCode = code;
  });
  try {
    await program.parseAsync([...argv], { from: "user" });
    return exitCode;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    // An abort surfaces as whatever was waiting at that moment; the signal knows why.
    return printed(context.signal.aborted ? context.signal.reason : error, context);
  }
}

/** Every verb with its flags and help; exported so that a test can compare the flags with the other front ends. */
export function createProgram(context: CommandContext, setExitCode: (code: number) => void): Command {
  const program = new Command("kubefile")
    .description("Turn a Kubefile into a cluster image that provably runs offline.")
    .version(packageVersion(), "-V, --version", "print the version")
    .helpOption("-h, --help", "print help")
    .helpCommand(false)
    .configureOutput({
      writeOut: (text) => context.stdout.write(text),
      writeErr: (text) => context.stderr.write(text),
      outputError: (text) => printed(usageError(text), context),
    })
    .exitOverride();
  for (const register of [
    registerBuild,
    registerPush,
    registerTag,
    registerIndex,
    registerVerify,
    registerPreview,
    registerRun,
    registerLint,
    registerLock,
    registerImages,
    registerInspect,
    registerDiff,
    registerCache,
    registerClean,
    registerNote,
    registerPromote,
    registerRelease,
    registerServe,
  ]) {
    register(program, context, setExitCode);
  }
  program.addHelpText(
    "after",
    `
Examples:
  kubefile lint .                                    check a Kubefile
  kubefile build -t registry.example/shop:1.0 --push .
  kubefile verify registry.example/shop:1.0          prove that it starts with the network cut
  kubefile run registry.example/shop:1.0 --name demo

Exit codes: 0 done, 1 the build failed, 2 wrong usage or input, 3 the environment lacks something, 130 cancelled.`,
  );
  return program;
}

function printed(error: unknown, { stderr, env, platform }: CommandContext): number {
  const exitCode = printError(error, stderr, showsColor(stderr, env));
  annotateError(platform, asKubefileError(error));
  return exitCode;
}

/** What commander says in one text, in our form: the problem, and below it the next step. */
function usageError(text: string): KubefileError {
  const [first = "", ...rest] = text.trim().split("\n");
  const suggestion = /^\(Did you mean (.+\?)\)$/.exec(rest.at(-1) ?? "")?.[1];
  return new KubefileError("USAGE", first.replace(/^error: /, ""), {
    hint: suggestion === undefined ? "run it with --help for its flags and examples" : `did you mean ${suggestion}`,
  });
}
