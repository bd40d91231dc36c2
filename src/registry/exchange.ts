import type { Readable } from "node:stream";
import { KubefileError } from "../error.ts";
import type { Repository } from "../oci/reference.ts";
import { answerFailure } from "./answer-body.ts";
import type { AuthorizedRequest } from "./authorizer.ts";
import { type Call, openCall } from "./call.ts";
import type { Lane } from "./dialer.ts";
import { type Endpoint, type EndpointOptions, endpointOf, repositoryUrl } from "./endpoint.ts";
import type { RegistryErrorCode } from "./errors.ts";
import type { ClientLimits } from "./limits.ts";
import { retrying } from "./retry.ts";
import type { Redactor } from "./secret.ts";
import type { Answer, HttpRequest } from "./transport.ts";
import type { RequestOptions } from "./types.ts";
import { networkFailure } from "./upstream-failure.ts";

export interface ExchangeRequest {
  readonly repository: Repository;
  readonly method: HttpRequest["method"];
  /** Below the repository (`manifests/latest`), or where the registry sent us. */
  readonly target: string | URL;
  /** What it is for, in messages: `manifest docker.io/library/nginx:1`. */
  readonly doing: string;
  /** What a 404 without words means here. */
  readonly unknown?: RegistryErrorCode;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: () => Promise<Readable | Buffer>;
  readonly lane?: Lane;
  readonly actions?: AuthorizedRequest["actions"];
  readonly alsoPulls?: readonly string[];
  /** Milliseconds for everything until the answer has been read; unlimited when infinite. */
  readonly budget?: number;
  readonly headersTimeout?: number;
  readonly attempts?: number;
  /** The answer's body outlives the exchange. The clock stops with its headers. */
  readonly keepsBody?: boolean;
  readonly options: RequestOptions;
}

export interface Exchange {
  /** Asks a registry and reads its answer; `read` throws `failure(request, answer)` for an answer it does not take. */
  ask<Result>(request: ExchangeRequest, read: (answer: Answer) => Promise<Result>): Promise<Result>;
  failure(request: ExchangeRequest, answer: Answer): Promise<Error>;
  /** @throws RegistryError 400 NAME_INVALID */
  endpoint(repository: Repository): Endpoint;
  readonly policy: EndpointOptions;
  readonly limits: ClientLimits;
  readonly random: () => number;
}

export interface ExchangeContext extends EndpointOptions {
  readonly authorize: (request: AuthorizedRequest) => Promise<Answer>;
  readonly redactor: Redactor;
  readonly limits: ClientLimits;
  readonly random: () => number;
  /** Ends every call. */
  readonly signal: AbortSignal;
}

/** One exchange with a registry: authorization, redirects and further tries within its time. */
export function createExchange(context: ExchangeContext): Exchange {
  const { limits, random, redactor } = context;

  const ask: Exchange["ask"] = async (request, read) => {
    const { repository, target, doing, options } = request;
    const endpoint = endpointOf(repository.host, context);
    const url = typeof target === "string" ? repositoryUrl(endpoint, repository, target) : target;
    const call = openCall([options.signal, context.signal], request.budget ?? limits.answer);
    let isKept = false;
    const attempt = async (): ReturnType<typeof read> => {
      try {
        const answer = await context.authorize(authorized(request, endpoint, url, call));
        const result = await read(answer);
        if (request.keepsBody === true) {
          isKept = true;
          call.stopClock();
          answer.body.once("close", () => call.end());
          if (answer.body.closed) call.end();
        }
        return result;
      } catch (error) {
        if (options.signal?.aborted || context.signal.aborted) throw cancelled(doing, error);
        throw networkFailure(error, endpoint.host, doing);
      }
    };
    try {
      return await retrying(attempt, {
        attempts: request.attempts ?? limits.attempts,
        backoff: limits.backoff,
        remaining: call.remaining,
        signal: call.signal,
        random,
      });
    } catch (error) {
      if (options.signal?.aborted || context.signal.aborted) throw cancelled(doing, error);
      throw error;
    } finally {
      if (!isKept) call.end();
    }
  };

  const authorized = (request: ExchangeRequest, endpoint: Endpoint, url: URL, call: Call): AuthorizedRequest => ({
    endpoint,
    repository: request.repository,
    actions: request.actions ?? "pull",
    alsoPulls: request.alsoPulls ?? [],
    credentials: request.options.credentials,
    http: {
      method: request.method,
      url,
      headers: request.headers ?? {},
      body: request.body,
      lane: request.lane ?? "answer",
      headersTimeout: request.headersTimeout ?? limits.headers,
      signal: call.signal,
    },
  });

  return {
    ask,
    failure: (request, answer) =>
      answerFailure(answer, {
        registry: request.repository.host,
        doing: request.doing,
        redactor,
        ...(request.unknown === undefined ? {} : { unknown: request.unknown }),
      }),
    endpoint: ({ host }) => endpointOf(host, context),
    policy: context,
    limits,
    random,
  };
}

function cancelled(doing: string, cause: unknown): KubefileError {
  return cause instanceof KubefileError ? cause : new KubefileError("CANCELLED", `cancelled: ${doing}`, { cause });
}
