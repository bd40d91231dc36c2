import type { GhaAccess } from "../cache/gha-service.ts";
import type { Dialer } from "../registry/dialer.ts";
import { Secret } from "../registry/secret.ts";
import type { Environment } from "./platform.ts";

/**
 * How to reach GitHub's cache service. The runner gives its variables to actions alone, not to `run:` steps. Undefined
 * without them, and for a GitHub Enterprise Server, which has no version 2 of the service.
 */
export function githubCache(env: Environment, dialer: Dialer, userAgent: string): GhaAccess | undefined {
  const { ACTIONS_RESULTS_URL: address, ACTIONS_RUNTIME_TOKEN: token } = env;
  if (!address || !token || !URL.canParse(address) || isEnterpriseServer(env)) return undefined;
  return { url: new URL(address), token: new Secret(token), dialer, userAgent };
}

/** As actions/toolkit tells it: by the host of GitHub's own page. */
function isEnterpriseServer({ GITHUB_SERVER_URL: address }: Environment): boolean {
  if (!address || !URL.canParse(address)) return false;
  const { hostname } = new URL(address);
  return hostname !== "github.com" && !/\.(?:ghe\.com|localhost)$/.test(hostname);
}
