/**
 * Runs several parts of the work at once. When one fails the others are aborted, and nothing is still going on when
 * this returns or throws; the first failure is the one that is thrown.
 */
export async function together<First, Second>(
  signal: AbortSignal,
  first: (signal: AbortSignal) => Promise<First>,
  second: (signal: AbortSignal) => Promise<Second>,
): Promise<[First, Second]> {
  const failed = new AbortController();
  const shared = AbortSignal.any([signal, failed.signal]);
  let failure: { readonly reason: unknown } | undefined;
  const guarded = async <T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> => {
    try {
      return await work(shared);
    } catch (error) {
      failure ??= { reason: error };
      failed.abort(error);
      throw error;
    }
  };
  const results = await Promise.allSettled([guarded(first), guarded(second)]);
  const [one, two] = results;
  if (one.status === "fulfilled" && two.status === "fulfilled") return [one.value, two.value];
  throw failure?.reason;
}
