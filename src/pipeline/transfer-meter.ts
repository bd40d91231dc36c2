import { formatSeconds, formatSize } from "../image/text-table.ts";

/** Milliseconds that the rate looks back: long enough to be calm, short enough to notice a change. */
const WINDOW = 10_000;
/** Before that a rate says more of the first packets than of the connection. */
const MIN_MILLISECONDS = 1_000;

/**
 * Tells how a transfer goes on: `12.3 MiB of 98.0 MiB, 8.1 MiB/s, 11 s left`.
 *
 * @param now milliseconds of a monotonic clock
 */
export function createTransferMeter(now: () => number): (sentBytes: number, neededBytes: number) => string {
  let samples: { readonly time: number; readonly bytes: number }[] = [];
  return (sentBytes, neededBytes) => {
    const time = now();
    const last = samples.at(-1);
    // An upload began again: what was measured before no longer counts up to this.
    if (last !== undefined && sentBytes < last.bytes) samples = [];
    samples.push({ time, bytes: sentBytes });
    // One sample older than the window stays, so that the window is full.
    while (samples.length > 2 && time - (samples[1]?.time ?? time) > WINDOW) samples.shift();
    const text = `${formatSize(sentBytes)} of ${formatSize(neededBytes)}`;
    const first = samples[0];
    if (first === undefined || time - first.time < MIN_MILLISECONDS) return text;
    const rate = ((sentBytes - first.bytes) / (time - first.time)) * 1_000;
    if (rate === 0) return `${text}, stalled`;
    const left = Math.ceil((neededBytes - sentBytes) / rate);
    return `${text}, ${formatSize(rate)}/s${left > 0 ? `, ${formatLeft(left)} left` : ""}`;
  };
}

function formatLeft(seconds: number): string {
  return seconds < 60 ? `${seconds} s` : formatSeconds(seconds);
}
