import { type LookupAddress, lookup as systemLookup } from "node:dns";
import { isIP, type LookupFunction } from "node:net";
import { Agent, buildConnector, type Dispatcher, EnvHttpProxyAgent } from "undici";
import { isGlobalAddress } from "./address-policy.ts";

/** Corporate proxies, as HTTP_PROXY, HTTPS_PROXY and NO_PROXY say. A proxy resolves names, and its rules apply then. */
export interface ProxySettings {
  readonly http?: string;
  readonly https?: string;
  readonly noProxy?: string;
}

export interface DialerOptions {
  /** Milliseconds. */
  readonly connectTimeout: number;
  /** Milliseconds without a byte of a body. */
  readonly idleTimeout: number;
  readonly proxy?: ProxySettings | undefined;
  /** PEM certificates of authorities by host (with port), trusted for that host instead of the system's. */
  readonly authorities?: ReadonlyMap<string, string> | undefined;
  readonly lookup?: LookupFunction | undefined;
}

/**
 * `answer` is for short exchanges and `stream` for blobs. Each has sockets of its own, so that slow blobs never keep
 * a manifest waiting.
 */
export type Lane = "answer" | "stream";

export interface Dialer {
  /** @throws AddressRefused before or at connecting, and whatever undici throws. */
  request(
    url: URL,
    options: { readonly lane: Lane; readonly mayBePrivate: boolean } & Omit<
      Dispatcher.RequestOptions,
      "path" | "origin"
    >,
  ): Promise<Dispatcher.ResponseData>;
  close(): Promise<void>;
}

/** A name or address that leads to where only named registries may be. */
export class AddressRefused extends Error {
  readonly code = "ADDRESS_REFUSED";

  constructor(hostname: string, address: string) {
    super(
      hostname === address
        ? `${address} is not a public address`
        : `${hostname} is at ${address}, not a public address`,
    );
    this.name = "AddressRefused";
  }
}

/** Said aloud, so that NODE_TLS_REJECT_UNAUTHORIZED=0 in the environment changes nothing here. */
const checkedTls = { rejectUnauthorized: true } as const;

const socketsPerOrigin = { answer: 6, stream: 24 } as const;

/**
 * Opens connections for the registry client. Addresses are judged when the connection is made, with the result of the
 * very look-up it uses, so a name cannot change its address in between.
 */
export function createDialer(options: DialerOptions): Dialer {
  const dispatchers = new Map<string, Dispatcher>();

  const dispatcherFor = (lane: Lane, mayBePrivate: boolean): Dispatcher => {
    const key = `${lane} ${mayBePrivate}`;
    const known = dispatchers.get(key);
    if (known !== undefined) return known;
    const settings = {
      connections: socketsPerOrigin[lane],
      connect: createConnector(options, mayBePrivate),
      bodyTimeout: options.idleTimeout,
      pipelining: 1,
    };
    const { proxy } = options;
    const dispatcher =
      proxy?.http === undefined && proxy?.https === undefined
        ? new Agent(settings)
        : new EnvHttpProxyAgent({
            ...settings,
            // Empty strings keep undici from reading the environment itself.
            httpProxy: proxy.http ?? "",
            httpsProxy: proxy.https ?? "",
            noProxy: proxy.noProxy ?? "",
            requestTls: checkedTls,
            proxyTls: checkedTls,
          });
    dispatchers.set(key, dispatcher);
    return dispatcher;
  };

  return {
    async request(url, { lane, mayBePrivate, ...request }) {
      const hostname = url.hostname.replace(/^\[|\]$/g, "");
      // No look-up happens for an address, so it is judged here.
      if (!mayBePrivate && isIP(hostname) !== 0 && !isGlobalAddress(hostname)) {
        throw new AddressRefused(hostname, hostname);
      }
      return dispatcherFor(lane, mayBePrivate).request({
        ...request,
        origin: url.origin,
        path: `${url.pathname}${url.search}`,
      });
    },
    async close() {
      await Promise.all([...dispatchers.values()].map((dispatcher) => dispatcher.destroy()));
      dispatchers.clear();
    },
  };
}

function createConnector(options: DialerOptions, mayBePrivate: boolean): buildConnector.connector {
  const resolve = options.lookup ?? systemLookup;
  const build = (ca: string | undefined): buildConnector.connector =>
    buildConnector({
      timeout: options.connectTimeout,
      lookup: mayBePrivate ? resolve : publicOnly(resolve),
      ...checkedTls,
      ...(ca === undefined ? {} : { ca }),
    });
  const standard = build(undefined);
  const special = new Map([...(options.authorities ?? [])].map(([host, ca]) => [host, build(ca)]));
  return (target, callback) => (special.get(target.host ?? "") ?? standard)(target, callback);
}

function publicOnly(resolve: LookupFunction): LookupFunction {
  return (hostname, options, callback) => {
    resolve(hostname, { ...options, all: true }, (error, found) => {
      const addresses: LookupAddress[] = typeof found === "string" ? [{ address: found, family: isIP(found) }] : found;
      if (error !== null) return callback(error, addresses);
      const allowed = addresses.filter(({ address }) => isGlobalAddress(address));
      const [first] = allowed;
      if (first === undefined) return callback(new AddressRefused(hostname, addresses[0]?.address ?? "no address"), []);
      if (options.all === true) callback(null, allowed);
      else callback(null, first.address, first.family);
    });
  };
}
