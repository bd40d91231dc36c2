import { setTimeout as delay } from "node:timers/promises";

/** Time as a parameter, so that waiting can be tested without waiting. */
export interface Clock {
  now(): Date;
  /** Waits `milliseconds`, or less when the signal aborts; never throws. */
  sleep(milliseconds: number, signal: AbortSignal): Promise<void>;
}

export const systemClock: Clock = {
  now: () => new Date(),
  sleep: (milliseconds, signal) => delay(milliseconds, undefined, { signal }).catch(() => undefined),
};
