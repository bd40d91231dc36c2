import { setTimeout as sleep } from "node:timers/promises";
import { KubefileError } from "../error.ts";
import { DeadlinePassed, UpstreamFailure } from "./upstream-failure.ts";

export interface RetryOptions {
  readonly attempts: number;
  /** Milliseconds: the first pause. */
  readonly backoff: number;
  /** Milliseconds that are left for pauses and further tries. */
  readonly remaining: () => number;
  readonly signal: AbortSignal;
  /** From 0 up to 1. */
  readonly random: () => number;
  /** Whether a failure that is not transient in itself is worth another try. */
  readonly isWorthRetrying?: (failure: UpstreamFailure) => boolean;
  /** Whether the last try got further than those before; then they are not counted. */
  readonly hasProgressed?: () => boolean;
}

/**
 * Tries again after 408, 429, 502, 503, 504 and network errors, with growing, jittered pauses or the one that
 * `Retry-After` asks for. A pause that does not fit into the time left ends it at once with the failure at hand, as
 * it is better to say "429" now than "timeout" later.
 */
export async function retrying<Result>(attempt: () => Promise<Result>, options: RetryOptions): Promise<Result> {
  let failure: UpstreamFailure | undefined;
  for (let tries = 1; ; tries++) {
    try {
      return await attempt();
    } catch (error) {
      if (error instanceof UpstreamFailure && error.cause instanceof DeadlinePassed) throw failure ?? error;
      if (!(error instanceof UpstreamFailure)) throw error;
      const isWorthIt = error.isTransient || options.isWorthRetrying?.(error) === true;
      if (options.hasProgressed?.() === true) tries = 1;
      if (!isWorthIt || tries >= options.attempts) throw error;
      failure = error;
    }
    const pause = Math.max(options.backoff * 2 ** (tries - 1) * (0.5 + options.random()), failure.retryAfter ?? 0);
    if (pause >= options.remaining()) throw failure;
    await sleep(pause, undefined, { signal: options.signal }).catch((cause: unknown) => {
      if (options.signal.reason instanceof DeadlinePassed) throw failure;
      throw new KubefileError("CANCELLED", "cancelled while waiting for another try", { cause });
    });
  }
}
