import { onAbort } from "../process/on-abort.ts";
import { DeadlinePassed } from "./upstream-failure.ts";

/** The life of one call of the client: ended by its caller, by the client's end, or by the clock. */
export interface Call {
  readonly signal: AbortSignal;
  /** Milliseconds until the clock ends it. */
  remaining(): number;
  /** The answer is there: from now on only the caller and the client's end count. */
  stopClock(): void;
  /** Lets go of the signals; to be called in any case, since they live longer than calls. */
  end(): void;
}

export function openCall(sources: readonly (AbortSignal | undefined)[], milliseconds: number): Call {
  const controller = new AbortController();
  const started = performance.now();
  const timer = Number.isFinite(milliseconds)
    ? setTimeout(() => controller.abort(new DeadlinePassed(milliseconds)), milliseconds)
    : undefined;
  // AbortSignal.any() has no end(): what it makes hangs on a long-lived signal until it is collected.
  const links = sources
    .filter((source) => source !== undefined)
    .map((source) => onAbort(source, () => controller.abort(source.reason)));
  return {
    signal: controller.signal,
    remaining: () => milliseconds - (performance.now() - started),
    stopClock: () => clearTimeout(timer),
    end() {
      clearTimeout(timer);
      for (const unlink of links) unlink();
    },
  };
}
