import type { LookupFunction } from "node:net";
import { onAbort } from "../process/on-abort.ts";
import { createAuthorizer } from "./authorizer.ts";
import { createDelete } from "./delete-manifest.ts";
import { createDialer, type ProxySettings } from "./dialer.ts";
import type { EndpointOptions } from "./endpoint.ts";
import { createExchange } from "./exchange.ts";
import { type ClientLimits, defaultLimits } from "./limits.ts";
import { createPull } from "./pull.ts";
import { createPush } from "./push.ts";
import { Redactor } from "./secret.ts";
import { listTags } from "./tags.ts";
import { createTokenSource } from "./token.ts";
import { createTransport } from "./transport.ts";
import type { CredentialSource, RegistryClient } from "./types.ts";
import { createWebFiles } from "./web-file.ts";

export interface RegistryClientOptions extends EndpointOptions {
  readonly credentials: CredentialSource;
  readonly userAgent: string;
  /** Learns every secret the client meets, so that the owner's own output can be cleaned of them too. */
  readonly redactor?: Redactor;
  readonly proxy?: ProxySettings;
  /** PEM certificates of authorities by host (with port), trusted for that host instead of the system's. */
  readonly authorities?: ReadonlyMap<string, string>;
  /** Ends every request. */
  readonly signal?: AbortSignal;
  readonly limits?: Partial<ClientLimits>;
  /** Milliseconds on a clock that never goes back. */
  readonly clock?: () => number;
  readonly random?: () => number;
  readonly lookup?: LookupFunction;
}

/**
 * A client of any number of registries (OCI distribution-spec 1.1): HTTP/1.1 with a pool of sockets per origin.
 * Errors are RegistryError, or KubefileError CANCELLED once a signal fires. A blob's stream fails with the network's
 * own error; ask again from the offset reached.
 */
export function createRegistryClient(options: RegistryClientOptions): RegistryClient {
  const limits: ClientLimits = { ...defaultLimits, ...options.limits };
  const redactor = options.redactor ?? new Redactor();
  const random = options.random ?? Math.random;
  const closing = new AbortController();
  const caller = options.signal;
  const stopListening = caller === undefined ? undefined : onAbort(caller, () => closing.abort(caller.reason));
  const { signal } = closing;

  const { mirrors, insecure, trustedHosts, proxy, authorities, lookup } = options;
  const policy: EndpointOptions = { mirrors, insecure, trustedHosts };
  const dialer = createDialer({
    connectTimeout: limits.connect,
    idleTimeout: limits.idle,
    proxy,
    authorities,
    lookup,
  });
  const transport = createTransport({ ...policy, dialer, userAgent: options.userAgent });
  const clock = options.clock ?? (() => performance.now());
  const tokens = createTokenSource({ transport, redactor, limits, clock, signal });
  const authorize = createAuthorizer({ ...policy, transport, tokens, credentials: options.credentials, redactor });
  const exchange = createExchange({ ...policy, authorize, redactor, limits, random, signal });
  const pull = createPull(exchange);

  return {
    ...pull,
    ...createPush(exchange, pull),
    deleteManifest: createDelete(exchange),
    tags: (repository, requestOptions) => listTags(exchange, repository, requestOptions),
    webFile: createWebFiles({ transport, limits, redactor, random, signal }),
    async close() {
      stopListening?.();
      closing.abort();
      await dialer.close();
    },
  };
}
