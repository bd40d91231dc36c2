/**
 * Does `work` for every item, at most `parallel` at a time. The first failure aborts the signal that the others got,
 * and is thrown when all of them have ended: nothing goes on behind the caller's back.
 */
export async function forEachParallel<T>(
  items: Iterable<T>,
  parallel: number,
  signal: AbortSignal | undefined,
  work: (item: T, signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const stop = new AbortController();
  const combined = signal === undefined ? stop.signal : AbortSignal.any([signal, stop.signal]);
  const queue = [...items].values();
  const worker = async (): Promise<void> => {
    try {
      for (const item of queue) {
        combined.throwIfAborted();
        await work(item, combined);
      }
    } catch (error) {
      stop.abort(error);
    }
  };
  await Promise.all(Array.from({ length: parallel }, worker));
  if (stop.signal.aborted) throw stop.signal.reason;
}
