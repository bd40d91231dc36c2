import { Readable } from "node:stream";
import type { Dispatcher } from "undici";
import type { Dialer, Lane } from "./dialer.ts";
import { type Endpoint, type EndpointOptions, isDowngrade, mayBePrivate } from "./endpoint.ts";
import type { Secret } from "./secret.ts";
import { UpstreamFailure } from "./upstream-failure.ts";

const MAX_REDIRECTS = 5;

export interface HttpRequest {
  readonly method: "GET" | "HEAD" | "POST" | "PUT" | "DELETE";
  readonly url: URL;
  readonly headers?: Readonly<Record<string, string>>;
  /** The `Authorization` header. It goes to the origin of `url` and nowhere else. */
  readonly authorization?: Secret | undefined;
  /** Called for each hop that wants the body. */
  readonly body?: (() => Promise<Readable | Buffer | string>) | undefined;
  /** The body holds a credential, so it is not sent on to where a redirect leads. */
  readonly hasSecretBody?: boolean;
  readonly lane?: Lane;
  /** Milliseconds until the answer's headers must be there; counted from the end of the body. */
  readonly headersTimeout: number;
  readonly signal: AbortSignal;
}

export interface Answer {
  readonly status: number;
  readonly headers: Dispatcher.ResponseData["headers"];
  readonly body: Dispatcher.ResponseData["body"];
  /** Where the answer came from, after redirects. */
  readonly url: URL;
}

/** Sends one request and follows its redirects. Answers of any status are returned. */
export type Transport = (endpoint: Endpoint, request: HttpRequest) => Promise<Answer>;

export interface TransportOptions extends EndpointOptions {
  readonly dialer: Dialer;
  readonly userAgent: string;
}

/**
 * Redirects are followed by hand, at most five: `Authorization` is dropped at the first change of origin and does not
 * come back, https never becomes http, and each hop's address is judged anew. Redirects are never remembered, since
 * signed URLs expire within minutes.
 */
export function createTransport(options: TransportOptions): Transport {
  return async (endpoint, request) => {
    let url = request.url;
    let authorization = request.authorization;
    for (let hop = 0; hop <= MAX_REDIRECTS; hop++) {
      if (url.protocol !== "https:" && url.protocol !== "http:") {
        throw refusal(endpoint, `it leads to a ${url.protocol} address`);
      }
      const sent = (await request.body?.()) ?? null;
      const response = options.dialer.request(url, {
        method: request.method,
        lane: request.lane ?? "answer",
        mayBePrivate: mayBePrivate(endpoint, url, options),
        headers: {
          // Bytes are hashed as they come; a compressed copy of them would be another blob.
          "accept-encoding": "identity",
          "user-agent": options.userAgent,
          ...request.headers,
          ...(authorization === undefined ? {} : { authorization: authorization.reveal() }),
        },
        body: sent,
        signal: request.signal,
        headersTimeout: request.headersTimeout,
        // undici would close the connection after each HEAD, and HEADs are most of what we send.
        reset: false,
      });
      const { statusCode, headers, body } = await response.catch((error: unknown) => {
        // A request that was refused before it was sent leaves its body open.
        if (sent instanceof Readable) sent.destroy();
        throw error;
      });
      // A connection that breaks under a body nobody reads must not bring the process down.
      body.on("error", () => undefined);
      const answer = { status: statusCode, headers, body, url };
      const next = redirectTarget(request, answer);
      if (next === undefined) return answer;
      discard(answer);
      if (request.hasSecretBody === true) throw refusal(endpoint, "it asks for a credential to be sent elsewhere");
      if (isDowngrade(url, next, options)) throw refusal(endpoint, `it leads from https to http at ${next.host}`);
      if (next.origin !== url.origin) authorization = undefined;
      url = next;
    }
    throw new UpstreamFailure(502, "UNKNOWN", `registry ${endpoint.host} redirects more than ${MAX_REDIRECTS} times`);
  };
}

/** One header of an answer; the first when a server sent several. */
export function header(answer: Answer, name: string): string | undefined {
  const value = answer.headers[name];
  return Array.isArray(value) ? value[0] : value;
}

/** Frees the connection of an answer whose body nobody wants. */
export function discard(answer: Answer): void {
  answer.body.dump({ limit: 64 * 1024 }).catch(() => undefined);
}

function redirectTarget(request: HttpRequest, answer: Answer): URL | undefined {
  const location = header(answer, "location");
  const isReading = request.method === "GET" || request.method === "HEAD";
  // Only 307 and 308 promise that the method stays; anything else sent on would lose the body.
  const followed = isReading ? [301, 302, 303, 307, 308] : [307, 308];
  if (location === undefined || !followed.includes(answer.status)) return undefined;
  try {
    return new URL(location, answer.url);
  } catch {
    return undefined;
  }
}

function refusal(endpoint: Endpoint, why: string): UpstreamFailure {
  return new UpstreamFailure(502, "DENIED", `refused to follow a redirect of registry ${endpoint.host}: ${why}`);
}
