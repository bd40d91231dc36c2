import { errorMessage, KubefileError } from "../error.ts";
import { RegistryError } from "../registry/errors.ts";

/** Turns a registry's refusal, which names object and registry, into what a user sees: with the next step. */
export function registryFailure(doing: "cannot push" | "cannot fetch", error: unknown): unknown {
  if (!(error instanceof RegistryError)) return error;
  const hint = doing === "cannot fetch" && error.status === 404 ? "check the name and the tag" : hintFor(error);
  return new KubefileError("REGISTRY", `${doing}: ${errorMessage(error)}${detailOf(error)}`, {
    cause: error,
    ...(hint === undefined ? {} : { hint }),
  });
}

function detailOf({ message, detail }: RegistryError): string {
  return detail === undefined || message.includes(detail) ? "" : ` (${detail})`;
}

function hintFor({ status, code }: RegistryError): string | undefined {
  if (status === 401 || status === 403) return "log in with `docker login`, and check what you may do there";
  if (code === "NAME_UNKNOWN") return "create the repository in the registry first";
  if (status === 413) return "raise the limit of the registry, or of the proxy before it, for request bodies";
  if (status === 429 || status >= 500) return "try again: blobs that arrived are not sent twice";
  return undefined;
}
