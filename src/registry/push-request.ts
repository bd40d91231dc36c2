import { formatRepository, type Repository } from "../oci/reference.ts";
import type { Exchange, ExchangeRequest } from "./exchange.ts";
import type { RequestOptions } from "./types.ts";

/** One request of a push, with the rights and the time that these have. `what` is for messages: `manifest 1.0`. */
export function pushRequest(
  exchange: Exchange,
  repository: Repository,
  options: RequestOptions,
  { method, target, what }: { method: ExchangeRequest["method"]; target: string | URL; what: string },
): ExchangeRequest {
  return {
    repository,
    method,
    target,
    doing: `${what} to ${formatRepository(repository)}`,
    actions: "pull,push",
    budget: exchange.limits.push,
    options,
  };
}
