import { createHash } from "node:crypto";
import { unlessAborted } from "../store/wait.ts";
import { answerFailure, readBody } from "./answer-body.ts";
import { type Call, openCall } from "./call.ts";
import type { Endpoint } from "./endpoint.ts";
import type { ClientLimits } from "./limits.ts";
import { type Redactor, Secret } from "./secret.ts";
import { createSingleFlight } from "./single-flight.ts";
import { type Answer, type HttpRequest, header, type Transport } from "./transport.ts";
import type { Credential } from "./types.ts";
import { networkFailure, UpstreamFailure } from "./upstream-failure.ts";

const MAX_TOKEN_BODY_BYTES = 1024 * 1024;
const MAX_CACHED_TOKENS = 1_000;
const CLIENT_ID = "kubefile";
/** Seconds a token lives when the service does not say, and at least (distribution's token specification). */
const MIN_LIFETIME = 60;
/** Milliseconds before its end at which a token counts as expired. */
const SKEW = 15_000;

export interface TokenRequest {
  readonly endpoint: Endpoint;
  readonly realm: URL;
  readonly service: string | undefined;
  readonly scopes: readonly string[];
  /** Anonymous without one. */
  readonly credential: Credential | undefined;
  /** A token that the registry has just refused; it is not given out again. */
  readonly refused?: Secret | undefined;
}

export interface TokenSource {
  token(request: TokenRequest, signal: AbortSignal): Promise<Secret>;
}

export interface TokenSourceOptions {
  readonly transport: Transport;
  readonly redactor: Redactor;
  readonly limits: ClientLimits;
  /** Milliseconds. */
  readonly clock: () => number;
  /** Ends requests that several callers wait for. */
  readonly signal: AbortSignal;
}

/**
 * Bearer tokens of registries' token services (distribution's token and OAuth2 specifications): GET with the scope for
 * a password or anonymously, POST for an identity token. Kept until shortly before they expire, per registry, service,
 * scope and credential; asked for once however many requests need the same.
 */
export function createTokenSource(options: TokenSourceOptions): TokenSource {
  const { clock, limits } = options;
  const kept = new Map<string, { readonly token: Secret; readonly expires: number }>();
  const once = createSingleFlight<Secret>();

  const fetchToken = async (key: string, request: TokenRequest): Promise<Secret> => {
    // A call of its own: callers that leave do not take the token from the others.
    const call = openCall([options.signal], limits.answer);
    try {
      const answer = await options.transport(request.endpoint, httpRequest(request, limits, call));
      const doing = `a token of ${request.realm.host} for ${request.scopes.join(" ")}`;
      if (answer.status !== 200) {
        const context = { registry: request.endpoint.host, doing, redactor: options.redactor };
        throw asRefusal(await answerFailure(answer, context));
      }
      const { token, lifetime } = await readToken(answer, request);
      options.redactor.add(token);
      const secret = new Secret(token);
      if (kept.size >= MAX_CACHED_TOKENS) kept.delete(kept.keys().next().value ?? "");
      kept.set(key, { token: secret, expires: clock() + lifetime * 1000 - SKEW });
      return secret;
    } catch (error) {
      throw networkFailure(error, request.endpoint.host, `a token of ${request.realm.host}`);
    } finally {
      call.end();
    }
  };

  return {
    async token(request, signal) {
      const key = cacheKey(request);
      const found = kept.get(key);
      if (found !== undefined && found.expires > clock() && found.token !== request.refused) return found.token;
      return unlessAborted(
        once(key, () => fetchToken(key, request)),
        signal,
      );
    },
  };
}

/** The value of `Authorization` for HTTP Basic. */
export function basicAuthorization({ username, password }: Credential): Secret {
  return new Secret(`Basic ${Buffer.from(`${username}:${password}`).toString("base64")}`);
}

function httpRequest(request: TokenRequest, limits: ClientLimits, call: Call): HttpRequest {
  const { credential } = request;
  const common = { headersTimeout: limits.headers, signal: call.signal };
  if (credential?.identityToken !== undefined) {
    const form = new URLSearchParams({
      grant_type: "refresh_token",
      refresh_token: credential.identityToken,
      client_id: CLIENT_ID,
      scope: request.scopes.join(" "),
      ...(request.service === undefined ? {} : { service: request.service }),
    });
    const headers = { "content-type": "application/x-www-form-urlencoded" };
    return {
      ...common,
      method: "POST",
      url: request.realm,
      headers,
      body: async () => form.toString(),
      hasSecretBody: true,
    };
  }
  const url = new URL(request.realm);
  if (request.service !== undefined) url.searchParams.set("service", request.service);
  for (const scope of request.scopes) url.searchParams.append("scope", scope);
  return {
    ...common,
    method: "GET",
    url,
    authorization: credential === undefined ? undefined : basicAuthorization(credential),
  };
}

/** Whatever a token service refuses with, a missing page included, means that there is no authorization. */
function asRefusal(failure: UpstreamFailure): UpstreamFailure {
  const { status, message, detail, isTransient } = failure;
  if (isTransient || status >= 500 || status === 403) return failure;
  return new UpstreamFailure(401, "UNAUTHORIZED", message, detail === undefined ? {} : { detail });
}

async function readToken(answer: Answer, request: TokenRequest): Promise<{ token: string; lifetime: number }> {
  const invalid = (why: string): UpstreamFailure =>
    new UpstreamFailure(
      502,
      "UNAUTHORIZED",
      `the token service of ${request.endpoint.host}, ${request.realm.host}, ${why}`,
    );
  let json: unknown;
  try {
    json = JSON.parse((await readBody(answer, MAX_TOKEN_BODY_BYTES)).toString("utf8"));
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw invalid(`answered with ${header(answer, "content-type") ?? "something"} instead of a JSON token`);
  }
  const fields = new Map(typeof json === "object" && json !== null ? Object.entries(json) : []);
  const token = fields.get("token") ?? fields.get("access_token");
  // Anything else could not be sent in a header, or would be another header.
  if (typeof token !== "string" || !/^[\x21-\x7e]+$/.test(token)) throw invalid("sent no usable token");
  const seconds = fields.get("expires_in");
  return { token, lifetime: Math.max(MIN_LIFETIME, typeof seconds === "number" ? seconds : 0) };
}

function cacheKey({ endpoint, realm, service, scopes, credential }: TokenRequest): string {
  const parts = [endpoint.base.origin, realm.href, service ?? "", [...scopes].sort(), credential ?? null];
  return createHash("sha256").update(JSON.stringify(parts)).digest("hex");
}
