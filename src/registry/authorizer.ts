import type { Repository } from "../oci/reference.ts";
import { type Challenge, parseChallenges } from "./challenge.ts";
import { type Endpoint, type EndpointOptions, isDowngrade, remotePath } from "./endpoint.ts";
import { isSameSite, isTrustedRealm } from "./realm-trust.ts";
import { type Redactor, Secret } from "./secret.ts";
import { basicAuthorization, type TokenSource } from "./token.ts";
import { type Answer, discard, type HttpRequest, type Transport } from "./transport.ts";
import type { Credential, CredentialSource } from "./types.ts";
import { UpstreamFailure } from "./upstream-failure.ts";

export interface AuthorizedRequest {
  readonly endpoint: Endpoint;
  readonly repository: Repository;
  readonly http: Omit<HttpRequest, "authorization">;
  readonly actions: "pull" | "pull,push";
  /** Repositories of the same registry that are read as well: what blobs are mounted from. */
  readonly alsoPulls?: readonly string[];
  /** Credentials of this one request, tried first. */
  readonly credentials?: readonly Credential[] | undefined;
}

export interface AuthorizerOptions extends EndpointOptions {
  readonly transport: Transport;
  readonly tokens: TokenSource;
  readonly credentials: CredentialSource;
  readonly redactor: Redactor;
}

/** What a repository asked for last, and which credential satisfied it. */
interface Known {
  readonly scheme: "basic" | "bearer";
  readonly realm: URL | undefined;
  readonly service: string | undefined;
  readonly scope: string | undefined;
  preferred?: string;
}

const MAX_KNOWN_REPOSITORIES = 10_000;

/** Statuses with which a registry may hide from one credential what it shows to another. */
const refusals: readonly number[] = [401, 403, 404];

/**
 * Sends requests with the authorization that registries ask for. Several credentials are tried in order, anonymous
 * access at last. Returns the answer that got furthest; a token service's refusal is thrown.
 */
export function createAuthorizer(options: AuthorizerOptions): (request: AuthorizedRequest) => Promise<Answer> {
  const { transport, tokens } = options;
  const knownRepositories = new Map<string, Known>();

  const attempt = async (request: AuthorizedRequest, known: Known, credential: Credential | undefined) => {
    const { endpoint, http } = request;
    if (known.scheme === "basic") {
      const authorization = credential === undefined ? undefined : basicAuthorization(credential);
      return transport(endpoint, { ...http, authorization });
    }
    const token = await bearerToken(request, known, credential);
    const answer = await transport(endpoint, { ...http, authorization: bearer(token) });
    if (answer.status !== 401 || answer.url.origin !== http.url.origin) return answer;
    // The token may have been revoked, or the scope be another than we thought: once more with a fresh one.
    const asked = readChallenge(answer) ?? known;
    discard(answer);
    const fresh = await bearerToken(request, asked, credential, token);
    return transport(endpoint, { ...http, authorization: bearer(fresh) });
  };

  const bearerToken = async (
    request: AuthorizedRequest,
    { realm, service, scope }: Known,
    credential: Credential | undefined,
    refused?: Secret,
  ): Promise<Secret> => {
    const { endpoint, http } = request;
    if (realm === undefined) throw unauthorized(endpoint, "it names no token service");
    if (isDowngrade(endpoint.base, realm, options))
      throw unauthorized(endpoint, `its token service ${realm.host} is plain http`);
    if (credential !== undefined && !isTrustedRealm(endpoint.base, realm)) {
      throw unauthorized(
        endpoint,
        `credentials are not sent to its token service ${realm.host}, which is another site`,
      );
    }
    const scopes = mergeScopes(request, scope);
    return tokens.token({ endpoint, realm, service, scopes, credential, refused }, http.signal);
  };

  /** A host that a redirect led to may ask for a token of its own; it gets an anonymous one or none. */
  const followElsewhere = async ({ endpoint, http }: AuthorizedRequest, answer: Answer): Promise<Answer> => {
    const known = answer.status === 401 && answer.url.origin !== http.url.origin ? readChallenge(answer) : undefined;
    const realm = known?.realm;
    if (known?.scheme !== "bearer" || realm === undefined) return answer;
    if (!isSameSite(answer.url.hostname, realm.hostname) || isDowngrade(answer.url, realm, options)) return answer;
    discard(answer);
    const scopes = known.scope?.split(" ") ?? [];
    const request = { endpoint, realm, service: known.service, scopes, credential: undefined };
    const token = await tokens.token(request, http.signal);
    return transport(endpoint, { ...http, url: answer.url, authorization: bearer(token) });
  };

  const tryAll = async (request: AuthorizedRequest, known: Known): Promise<Answer> => {
    const candidates = await candidatesFor(request, options);
    const preferred = candidates.findIndex((candidate) => candidateKey(candidate) === known.preferred);
    if (preferred > 0) candidates.unshift(...candidates.splice(preferred, 1));
    let best: { readonly status: number; readonly result: Answer | UpstreamFailure } | undefined;
    for (const candidate of candidates) {
      // What a credential may read but cannot find is not there for strangers either.
      if (candidate === undefined && best?.status === 404) continue;
      const result = await attempt(request, known, candidate).catch((error: unknown) => {
        if (error instanceof UpstreamFailure && !error.isTransient && error.status < 500) return error;
        release(best?.result);
        throw error;
      });
      if (!(result instanceof UpstreamFailure) && !refusals.includes(result.status)) {
        release(best?.result);
        if (result.status < 400) known.preferred = candidateKey(candidate);
        return result;
      }
      const isFurther = best === undefined || result.status > best.status;
      release(isFurther ? best?.result : result);
      if (isFurther) best = { status: result.status, result };
    }
    if (best === undefined) throw unauthorized(request.endpoint, "no credential fits");
    if (best.result instanceof UpstreamFailure) throw best.result;
    return best.result;
  };

  return async (request) => {
    const { endpoint, http, repository } = request;
    // An upload may go on at another origin; our credentials do not.
    if (http.url.origin !== endpoint.base.origin) return transport(endpoint, http);
    const key = `${endpoint.base.origin}/${remotePath(endpoint, repository)}`;
    let known = knownRepositories.get(key);
    if (known === undefined) {
      const answer = await followElsewhere(request, await transport(endpoint, http));
      known = answer.status === 401 && answer.url.origin === http.url.origin ? readChallenge(answer) : undefined;
      if (known === undefined) return answer;
      discard(answer);
      if (knownRepositories.size >= MAX_KNOWN_REPOSITORIES) knownRepositories.clear();
      knownRepositories.set(key, known);
    }
    return followElsewhere(request, await tryAll(request, known));
  };
}

/** Undefined stands for anonymous access. */
async function candidatesFor(
  { endpoint, repository, credentials = [] }: AuthorizedRequest,
  options: AuthorizerOptions,
): Promise<(Credential | undefined)[]> {
  const own = [...credentials, ...(await options.credentials.credentials(repository))];
  // A mirror gets the credentials of the registry it stands for only when it serves neither its own nor anybody.
  const candidates = endpoint.isMirror
    ? [
        ...(await options.credentials.credentials({
          host: endpoint.base.host,
          path: remotePath(endpoint, repository),
        })),
        undefined,
        ...own,
      ]
    : [...own, undefined];
  for (const candidate of candidates) if (candidate !== undefined) options.redactor.addCredential(candidate);
  const keys = candidates.map(candidateKey);
  return candidates.filter((_, position) => keys.indexOf(keys[position] ?? "") === position);
}

function release(result: Answer | UpstreamFailure | undefined): void {
  if (result !== undefined && !(result instanceof UpstreamFailure)) discard(result);
}

function candidateKey(credential: Credential | undefined): string {
  return JSON.stringify([credential?.username, credential?.password, credential?.identityToken]);
}

function readChallenge(answer: Answer): Known | undefined {
  const challenges = parseChallenges(answer.headers["www-authenticate"]);
  const find = (scheme: string): Challenge | undefined => challenges.find((challenge) => challenge.scheme === scheme);
  const bearerChallenge = find("bearer");
  const realm = bearerChallenge?.parameters.get("realm");
  if (bearerChallenge !== undefined && realm !== undefined && URL.canParse(realm)) {
    const { parameters } = bearerChallenge;
    return {
      scheme: "bearer",
      realm: new URL(realm),
      service: parameters.get("service"),
      scope: parameters.get("scope"),
    };
  }
  if (find("basic") === undefined) return undefined;
  return { scheme: "basic", realm: undefined, service: undefined, scope: undefined };
}

/** Our scopes and the one the registry named, each resource once. */
function mergeScopes({ endpoint, repository, actions, alsoPulls = [] }: AuthorizedRequest, asked = ""): string[] {
  const own = [
    `repository:${remotePath(endpoint, repository)}:${actions}`,
    ...alsoPulls.map((path) => `repository:${remotePath(endpoint, { host: endpoint.host, path })}:pull`),
  ];
  const merged = new Map<string, Set<string>>();
  for (const scope of [...own, ...asked.split(" ").filter((part) => part !== "")]) {
    const colon = scope.lastIndexOf(":");
    const resource = scope.slice(0, colon);
    const known = merged.get(resource) ?? new Set();
    for (const action of scope.slice(colon + 1).split(",")) known.add(action);
    merged.set(resource, known);
  }
  return [...merged].map(([resource, allowed]) => `${resource}:${[...allowed].join(",")}`);
}

function bearer(token: Secret): Secret {
  return new Secret(`Bearer ${token.reveal()}`);
}

function unauthorized(endpoint: Endpoint, why: string): UpstreamFailure {
  return new UpstreamFailure(401, "UNAUTHORIZED", `registry ${endpoint.host} asks for authorization, but ${why}`);
}
