import { KubefileError } from "../error.ts";

/** The ways in which this process is told to end, as signals that the work can watch. */
export interface Interruption {
  /** Aborted by SIGINT, SIGTERM and SIGHUP, and by an error that nobody caught: all of it cleans up first. */
  readonly signal: AbortSignal;
  /** Aborted when the user presses Ctrl-C again. */
  readonly repeated: AbortSignal;
}

/** Takes over the endings of this process; from now on only `process.exit` and SIGKILL end it at once. */
export function watchInterruption(): Interruption {
  const first = new AbortController();
  const second = new AbortController();
  const onSignal = (name: NodeJS.Signals): void => {
    if (!first.signal.aborted) first.abort(new KubefileError("CANCELLED", `cancelled by ${name}`));
    // Runners send SIGTERM some seconds after SIGINT, which asks for nothing new.
    else if (name === "SIGINT") second.abort();
  };
  for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(name, onSignal);
  process.on("uncaughtException", (error) => first.abort(error));
  // Whoever read our output has gone: `| head`, a closed terminal. The work goes on, and cleans up at its end.
  for (const stream of [process.stdout, process.stderr]) stream.on("error", () => undefined);
  return { signal: first.signal, repeated: second.signal };
}
