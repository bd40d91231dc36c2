import { Command, CommanderError } from "commander";
import { errorMessage, formatLocation, KubefileError } from "../error.ts";
import { printable } from "../platform/terminal.ts";
import { registerBuild } from "./build.ts";
import { registerClean } from "./clean.ts";
import type { CommandContext } from "./context.ts";
import { registerImages } from "./images.ts";
import { registerInspect } from "./inspect.ts";
import { registerLint } from "./lint.ts";
import { registerPush } from "./push.ts";
import { registerRun } from "./run.ts";
import { registerServe } from "./serve.ts";
import { registerVerify } from "./verify.ts";
import { packageVersion } from "./version.ts";

/** Runs the command line of this process and sets its exit code. */
export async function start(): Promise<void> {
  const controller = new AbortController();
  let signals = 0;
  const onSignal = (name: NodeJS.Signals): void => {
    signals += 1;
    if (signals === 1) {
      process.stderr.write(`\n${name}: stopping and cleaning up\n`);
      controller.abort(new KubefileError("CANCELLED", `cancelled by ${name}`));
    } else if (name === "SIGINT") {
      process.stderr.write(
        "cleaning up is under way; if you end this by force, `kubefile clean` removes what remains\n",
      );
    }
  };
  for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(name, onSignal);
  const context: CommandContext = {
    env: process.env,
    cwd: process.cwd(),
    stdout: process.stdout,
    stderr: process.stderr,
    signal: controller.signal,
  };
  process.exitCode = await main(process.argv.slice(2), context);
  // Kept-alive sockets and timers of libraries must not hold the process once all is cleaned up.
  process.exit();
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
    return printError(error, context);
  }
}

/** Every verb with its flags and help; exported so that a test can compare the flags with the other front ends. */
export function createProgram(context: CommandContext, setExitCode: (code: number) => void): Command {
  const program = new Command("kubefile")
    .description("Turn a Kubefile into a cluster image that provably runs offline.")
    .version(packageVersion(), "-V, --version", "print the version")
    .helpOption("-h, --help", "print help")
    .helpCommand(false)
    .showHelpAfterError("(run with --help for the flags and examples)")
    .configureOutput({
      writeOut: (text) => context.stdout.write(text),
      writeErr: (text) => context.stderr.write(text),
    })
    .exitOverride();
  for (const register of [
    registerBuild,
    registerPush,
    registerVerify,
    registerRun,
    registerLint,
    registerImages,
    registerInspect,
    registerClean,
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

function printError(error: unknown, context: CommandContext): number {
  const color = context.stderr.isTTY === true;
  const red = color ? "\u001b[31m" : "";
  const reset = color ? "\u001b[0m" : "";
  // An abort surfaces as whatever was waiting at that moment; the signal knows why.
  const reason: unknown = context.signal.aborted ? context.signal.reason : error;
  const known =
    reason instanceof KubefileError
      ? reason
      : new KubefileError("INTERNAL", errorMessage(reason), {
          hint: "this is a defect of kubefile: please report it with the lines above",
          cause: reason,
        });
  const where = known.where === undefined ? "" : `${formatLocation(known.where)}: `;
  const message = known.message.split("\n").map(printable).join("\n");
  context.stderr.write(`${red}error[${known.code}]${reset}: ${where}${message}\n`);
  if (known.hint !== undefined) {
    const [first = "", ...rest] = known.hint.split("\n").map(printable);
    context.stderr.write(`  hint: ${[first, ...rest.map((line) => `        ${line}`)].join("\n")}\n`);
  }
  if (known.code === "INTERNAL" && reason instanceof Error && reason.stack !== undefined) {
    context.stderr.write(`${reason.stack.split("\n").slice(1, 6).join("\n")}\n`);
  }
  return known.exitCode;
}
