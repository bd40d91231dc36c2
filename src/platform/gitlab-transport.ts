import { setTimeout as sleep } from "node:timers/promises";
import { rootCertificates } from "node:tls";
import { type Dispatcher, EnvHttpProxyAgent } from "undici";
import { errorMessage, KubefileError } from "../error.ts";
import { printable } from "../process/printable.ts";
import { readAtMost } from "../process/read-at-most.ts";
import { redactText } from "../registry/secret.ts";

export interface GitLabTransportOptions {
  readonly signal: AbortSignal;
  /** PEM certificates that are trusted besides the system's: CI_SERVER_TLS_CA_FILE. */
  readonly authorities?: string | undefined;
  /** As HTTP_PROXY, HTTPS_PROXY and NO_PROXY say. */
  readonly proxy?: { readonly http?: string; readonly https?: string; readonly noProxy?: string };
  readonly limits?: Partial<TransportLimits>;
}

/** Milliseconds, but `attempts`. */
export interface TransportLimits {
  readonly attempts: number;
  readonly connect: number;
  /** Until an answer begins, and between two of its parts. */
  readonly idle: number;
  /** For a request with all its tries and pauses. */
  readonly total: number;
  /** The first pause; each further one is twice as long. */
  readonly backoff: number;
}

const defaultLimits: TransportLimits = { attempts: 5, connect: 10_000, idle: 30_000, total: 90_000, backoff: 500 };
const MAX_ANSWER_BYTES = 16 * 1024 * 1024;

/** What @gitbeaker hands to whoever sends its requests. */
export interface GitLabRequest {
  readonly method: string;
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
}

export interface GitLabAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: unknown;
}

/** An answer other than success. */
export class GitLabRefusal extends KubefileError {
  readonly status: number;
  /** Milliseconds. */
  readonly retryAfter: number;

  constructor(status: number, message: string, details: { readonly hint: string; readonly retryAfter: number }) {
    super("PLATFORM", message, { hint: details.hint });
    this.status = status;
    this.retryAfter = details.retryAfter;
  }
}

export interface GitLabTransport {
  send(request: GitLabRequest): Promise<GitLabAnswer>;
  close(): Promise<void>;
}

/**
 * Sends requests to a GitLab server in place of @gitbeaker's own fetch, which has no time limit that a signal could
 * shorten, does not wait as long as `Retry-After` asks, and takes tokens along when it is redirected: here a redirect is
 * a failure. What may have happened already is not sent twice, whatever the server's trouble.
 *
 * @throws GitLabRefusal for an answer other than 2xx, KubefileError PLATFORM for none, CANCELLED on abort
 */
export function createGitLabTransport(options: GitLabTransportOptions): GitLabTransport {
  const limits = { ...defaultLimits, ...options.limits };
  const { signal, authorities, proxy } = options;
  const tls = authorities === undefined ? {} : { ca: [...rootCertificates, authorities] };
  const dispatcher = new EnvHttpProxyAgent({
    connect: { timeout: limits.connect, rejectUnauthorized: true, ...tls },
    requestTls: { rejectUnauthorized: true, ...tls },
    // Empty strings keep undici from reading the environment itself.
    httpProxy: proxy?.http ?? "",
    httpsProxy: proxy?.https ?? "",
    noProxy: proxy?.noProxy ?? "",
    headersTimeout: limits.idle,
    bodyTimeout: limits.idle,
  });
  return {
    send: (request) => sendWithRetries(dispatcher, request, limits, signal),
    close: () => dispatcher.destroy(),
  };
}

async function sendWithRetries(
  dispatcher: Dispatcher,
  request: GitLabRequest,
  limits: TransportLimits,
  signal: AbortSignal,
): Promise<GitLabAnswer> {
  const deadline = AbortSignal.timeout(limits.total);
  const either = AbortSignal.any([signal, deadline]);
  for (let attempt = 1; ; attempt++) {
    try {
      return await sendOnce(dispatcher, request, either);
    } catch (error) {
      if (signal.aborted) throw new KubefileError("CANCELLED", `cancelled while asking ${request.url.host}`);
      const failure = error instanceof KubefileError ? error : noAnswer(request, error, deadline);
      if (attempt >= limits.attempts || deadline.aborted || !mayRepeat(request, failure)) throw failure;
      const asked = failure instanceof GitLabRefusal ? failure.retryAfter : 0;
      await sleep(Math.max(asked, limits.backoff * 2 ** (attempt - 1)), undefined, { signal: either }).catch(() => {
        throw signal.aborted ? new KubefileError("CANCELLED", "cancelled while waiting for GitLab") : failure;
      });
    }
  }
}

async function sendOnce(dispatcher: Dispatcher, request: GitLabRequest, signal: AbortSignal): Promise<GitLabAnswer> {
  const { url, method } = request;
  const response = await dispatcher.request({
    origin: url.origin,
    path: `${url.pathname}${url.search}`,
    method: httpMethod(method),
    headers: { ...request.headers, accept: "application/json" },
    body: request.body ?? null,
    signal,
  });
  const bytes = await readAtMost(response.body, MAX_ANSWER_BYTES);
  if (bytes === undefined) throw new Error(`it answered with more than ${MAX_ANSWER_BYTES} bytes`);
  const status = response.statusCode;
  const headers = Object.fromEntries(
    Object.entries(response.headers).map(([name, value]) => [name.toLowerCase(), [value ?? ""].flat().join(", ")]),
  );
  const body = parseJson(bytes.toString("utf8"));
  if (status < 200 || status >= 300) throw refusal(request, status, headers, body);
  return { status, headers, body };
}

const neverReached = ["ECONNREFUSED", "ENOTFOUND", "EAI_AGAIN", "UND_ERR_CONNECT_TIMEOUT"];

/** 429 and 503 come before anything is done; after any other trouble only what does no harm twice is sent again. */
function mayRepeat({ method }: GitLabRequest, failure: KubefileError): boolean {
  const status = failure instanceof GitLabRefusal ? failure.status : undefined;
  if (status === 429 || status === 503) return true;
  if (status !== undefined) return status >= 500 && method !== "POST";
  const { cause } = failure;
  const code = cause instanceof Error && "code" in cause ? String(cause.code) : "";
  return method !== "POST" || neverReached.includes(code);
}

function refusal(
  { method, url }: GitLabRequest,
  status: number,
  headers: Readonly<Record<string, string>>,
  body: unknown,
): GitLabRefusal {
  const said = saidBy(body);
  const message = `GitLab at ${url.host} answered ${status} to ${method} ${url.pathname}${said === "" ? "" : `: ${said}`}`;
  const seconds = Number(headers["retry-after"] ?? "");
  const retryAfter = Number.isFinite(seconds) ? seconds * 1_000 : 0;
  if (status < 300 || status >= 400) return new GitLabRefusal(status, message, { hint: hintFor(status), retryAfter });
  const place = URL.canParse(headers.location ?? "", url.href)
    ? ` to ${new URL(headers.location ?? "", url).host}`
    : "";
  const hint = "CI_API_V4_URL must be the server's own address: tokens are not taken along";
  return new GitLabRefusal(status, `${message}, which leads on${place}`, { hint, retryAfter });
}

function hintFor(status: number): string {
  switch (status) {
    case 401:
      return "the token has expired, was revoked, or is no token of this server: make a new one";
    case 403:
      return "the token needs the scope `api` and the role Developer in this project (docs/gitlab.md, Tokens)";
    case 404:
      return "GitLab hides what a token may not see: give it the scope `api` in this project";
    case 429:
      return "the server limits requests: run the job again later";
    default:
      return "run the job again; its other results are not touched by this";
  }
}

function noAnswer({ method, url }: GitLabRequest, error: unknown, deadline: AbortSignal): KubefileError {
  const why = deadline.aborted ? "it took too long" : errorMessage(error);
  return new KubefileError("PLATFORM", `GitLab at ${url.host} did not answer ${method} ${url.pathname}: ${why}`, {
    hint: "check that the runner reaches the server; CI_SERVER_TLS_CA_FILE, HTTPS_PROXY and NO_PROXY are taken into account",
    cause: error,
  });
}

/** GitLab's own words: `message` or `error`, text or lists by field. */
function saidBy(body: unknown): string {
  if (typeof body !== "object" || body === null) return "";
  const { message, error } = { message: undefined, error: undefined, ...body };
  const said = message ?? error ?? "";
  return printable(redactText(typeof said === "string" ? said : JSON.stringify(said))).slice(0, 400);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function httpMethod(method: string): Dispatcher.HttpMethod {
  switch (method) {
    case "GET":
    case "POST":
    case "PUT":
    case "DELETE":
      return method;
    default:
      throw new Error(`no request of ours is a ${method}`);
  }
}
