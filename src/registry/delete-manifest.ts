import { formatRepository } from "../oci/reference.ts";
import { checkReference } from "./endpoint.ts";
import type { Exchange, ExchangeRequest } from "./exchange.ts";
import { pushRequest } from "./push-request.ts";
import { discard } from "./transport.ts";
import type { RegistryClient } from "./types.ts";

/** A registry that takes no deletes, or none of tags, has one of these to say; those of a proxy before it, too. */
const refusals: readonly number[] = [400, 405, 501];

/** Deleting of the distribution-spec ("Content Management"): tags where a registry can, and manifests. */
export function createDelete(exchange: Exchange): RegistryClient["deleteManifest"] {
  return (repository, reference, options) => {
    const target = `manifests/${checkReference(reference)}`;
    const request: ExchangeRequest = {
      ...pushRequest(exchange, repository, options, { method: "DELETE", target, what: "" }),
      doing: `the removal of ${reference} from ${formatRepository(repository)}`,
    };
    return exchange.ask(request, async (answer) => {
      if (![200, 202, 204, 404, ...refusals].includes(answer.status)) throw await exchange.failure(request, answer);
      discard(answer);
      if (answer.status === 404) return "absent";
      return refusals.includes(answer.status) ? "refused" : "deleted";
    });
  };
}
