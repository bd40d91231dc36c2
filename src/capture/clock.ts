import { setTimeout as delay } from "node:timers/promises";

/** Time as a parameter, so that waiting can be tested without waiting. */
export interface Clock {
  now(): Date;
  /** Waits `milliseconds`, or less when the signal aborts; never throws. Real timers when absent. */
  readonly sleep?: (milliseconds: number, signal: AbortSignal) => Promise<void>;
}

export const systemClock: Clock = { now: () => new Date() };

/** @throws nothing: an abort only ends the wait */
export async function sleep(clock: Clock, milliseconds: number, signal: AbortSignal): Promise<void> {
  if (clock.sleep !== undefined) return clock.sleep(milliseconds, signal);
  await delay(milliseconds, undefined, { signal }).catch(() => undefined);
}
