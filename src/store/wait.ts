import { onAbort } from "../process/on-abort.ts";

/** Waits no longer than `signal` allows. The work itself goes on; `release` gets what it yields too late. */
export async function unlessAborted<Result>(
  work: Promise<Result>,
  signal: AbortSignal | undefined,
  release: (late: Result) => unknown = () => undefined,
): Promise<Result> {
  if (signal === undefined) return work;
  let stopListening = (): void => undefined;
  const aborted = new Promise<never>((_resolve, reject) => {
    stopListening = onAbort(signal, () => reject(signal.reason));
  });
  try {
    return await Promise.race([work, aborted]);
  } catch (error) {
    if (signal.aborted) work.then(release, () => undefined);
    throw error;
  } finally {
    stopListening();
  }
}
