/**
 * Runs two parts of the work at once. When one fails the other is aborted, and nothing is still going on when this
 * returns or throws; the first failure is the one that is thrown. What the other part has yielded all the same is
 * disposed of, when it can be.
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
  for (const result of results) if (result.status === "fulfilled") await dispose(result.value);
  throw failure?.reason;
}

async function dispose(value: unknown): Promise<void> {
  if (isDisposable(value)) await value[Symbol.asyncDispose]();
}

function isDisposable(value: unknown): value is AsyncDisposable {
  return typeof value === "object" && value !== null && Symbol.asyncDispose in value;
}
