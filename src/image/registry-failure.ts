import { errorMessage, KubefileError } from "../error.ts";
import { RegistryError } from "../registry/errors.ts";
import { registryHint } from "../registry/registry-hint.ts";

/**
 * Turns a registry's refusal into what a user sees: the registry, its words, and the next step. Other errors come back
 * as they are.
 *
 * @param host of the registry, as references name it
 */
export function registryFailure(purpose: "fetch" | "push", host: string, error: unknown): unknown {
  if (!(error instanceof RegistryError)) return error;
  const words = `${errorMessage(error)}${detailOf(error)}`;
  return new KubefileError("REGISTRY", `cannot ${purpose}: ${words.includes(host) ? "" : `${host}: `}${words}`, {
    cause: error,
    hint: registryHint({ status: error.status, code: error.code, words }, host, purpose),
  });
}

function detailOf({ message, detail }: RegistryError): string {
  return detail === undefined || message.includes(detail) ? "" : ` (${detail})`;
}
