import type { LookupFunction } from "node:net";
import { createRegistryClient, type RegistryClientOptions } from "../../src/registry/client.ts";
import { noCredentials } from "../../src/registry/credentials.ts";
import type { Credential, CredentialSource, RegistryClient } from "../../src/registry/types.ts";

/** The registry client with patience for tests: real sockets, short pauses, private addresses allowed. */
export function upstreamClient(options: Partial<RegistryClientOptions> = {}): RegistryClient {
  return createRegistryClient({
    credentials: noCredentials,
    userAgent: "kubefile-test",
    trustedHosts: () => true,
    ...options,
    limits: { backoff: 5, connect: 2_000, headers: 2_000, idle: 2_000, answer: 5_000, ...options.limits },
  });
}

/** The same credentials for every repository of these hosts. */
export function credentialsFor(
  entries: Readonly<Record<string, Credential | readonly Credential[]>>,
): CredentialSource {
  return { credentials: async ({ host }) => [entries[host] ?? []].flat() };
}

/** Name service for tests: every name is this machine. */
export const everyNameIsLoopback: LookupFunction = (_hostname, options, callback) => {
  if (options.all === true) callback(null, [{ address: "127.0.0.1", family: 4 }]);
  else callback(null, "127.0.0.1", 4);
};
