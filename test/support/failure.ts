/** What a promise was rejected with, as `CODE: message`, for comparing whole messages. */
export async function failureOf(work: Promise<unknown>): Promise<string> {
  try {
    await work;
  } catch (error) {
    if (!(error instanceof Error)) return String(error);
    return "code" in error ? `${error.code}: ${error.message}` : `${error.name}: ${error.message}`;
  }
  return "nothing was thrown";
}
