import { setMaxListeners } from "node:events";

/**
 * Calls back when the signal aborts, at once when it has already. Whoever listens must stop: signals live longer than
 * most of the work that they can end.
 *
 * @returns how to stop
 */
export function onAbort(signal: AbortSignal, listener: () => void): () => void {
  // One listener for each piece of work under way is no leak, however many there are.
  setMaxListeners(0, signal);
  if (signal.aborted) listener();
  else signal.addEventListener("abort", listener, { once: true });
  return () => signal.removeEventListener("abort", listener);
}
