import type { Readable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { type Dispatcher, EnvHttpProxyAgent } from "undici";
import { errorMessage, KubefileError } from "../error.ts";
import { printable } from "../process/printable.ts";
import { readAtMost } from "../process/read-at-most.ts";
import type { ProxySettings } from "../registry/dialer.ts";
import { redactText } from "../registry/secret.ts";

export interface GitHubApiOptions {
  /** `https://api.github.com`: GITHUB_API_URL. */
  readonly server: string;
  readonly token: string;
  readonly proxy: ProxySettings;
  readonly signal: AbortSignal;
  /** What a job that is refused lacks; `pull-requests: write` when absent. */
  readonly permission?: string;
  /** Milliseconds before the second try; each further pause is twice as long. */
  readonly backoff?: number;
}

export interface GitHubRequest {
  readonly method: "GET" | "POST" | "PATCH" | "DELETE";
  readonly path: string;
  readonly body?: unknown;
}

/** A file to be sent. The caller vouches for the address. */
export interface GitHubUpload {
  readonly url: URL;
  /** Bytes. */
  readonly size: number;
  readonly open: () => Readable;
}

/** GitHub's REST API with one token. Redirects are failures: a token goes to one server. */
export interface GitHubApi extends AsyncDisposable {
  /** @throws GitHubRefusal for an answer other than 2xx, KubefileError PLATFORM for none, CANCELLED on abort */
  send(request: GitHubRequest): Promise<unknown>;
  /** Sends it once: half a file that is there already stands in the way of a second try. Errors are those of `send`. */
  upload(upload: GitHubUpload): Promise<unknown>;
}

/** An answer other than success. */
export class GitHubRefusal extends KubefileError {
  readonly status: number;
  /** Milliseconds after which it may be asked again; undefined when that is of no use. */
  readonly retryAfter: number | undefined;

  constructor(status: number, message: string, retryAfter: number | undefined, permission = "pull-requests: write") {
    super("PLATFORM", message, { hint: hintFor(status, permission) });
    this.status = status;
    this.retryAfter = retryAfter;
  }
}

const ATTEMPTS = 4;
const CONNECT_TIMEOUT = 10_000;
const IDLE_TIMEOUT = 30_000;
/** For a request with all its tries and pauses. */
const TOTAL_TIMEOUT = 120_000;
/** For a file of the greatest length over a slow line. */
const UPLOAD_TIMEOUT = 3_600_000;
const MAX_ANSWER_BYTES = 16 * 1024 * 1024;

export function openGitHubApi(options: GitHubApiOptions): GitHubApi {
  const dispatcher = new EnvHttpProxyAgent({
    // Said aloud, so that NODE_TLS_REJECT_UNAUTHORIZED=0 in the environment shows nobody else the token.
    connect: { timeout: CONNECT_TIMEOUT, rejectUnauthorized: true },
    requestTls: { rejectUnauthorized: true },
    headersTimeout: IDLE_TIMEOUT,
    bodyTimeout: IDLE_TIMEOUT,
    // Empty strings keep undici from reading the environment itself.
    httpProxy: options.proxy.http ?? "",
    httpsProxy: options.proxy.https ?? "",
    noProxy: options.proxy.noProxy ?? "",
  });
  return {
    send: (request) => sendWithRetries(dispatcher, options, request),
    upload: (upload) => sendFile(dispatcher, options, upload),
    [Symbol.asyncDispose]: () => dispatcher.destroy(),
  };
}

async function sendWithRetries(
  dispatcher: Dispatcher,
  options: GitHubApiOptions,
  request: GitHubRequest,
): Promise<unknown> {
  const deadline = AbortSignal.timeout(TOTAL_TIMEOUT);
  const signal = AbortSignal.any([options.signal, deadline]);
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await sendOnce(dispatcher, options, request, signal);
    } catch (error) {
      if (options.signal.aborted) throw new KubefileError("CANCELLED", "cancelled while asking GitHub");
      const failure = error instanceof KubefileError ? error : noAnswer(options, request, error);
      const asked = failure instanceof GitHubRefusal ? failure.retryAfter : request.method === "POST" ? undefined : 0;
      // What may have happened already is not sent twice.
      if (attempt >= ATTEMPTS || asked === undefined || asked > TOTAL_TIMEOUT) throw failure;
      const pause = Math.max(asked, (options.backoff ?? 1_000) * 2 ** (attempt - 1));
      await sleep(pause, undefined, { signal }).catch(() => Promise.reject(failure));
    }
  }
}

async function sendOnce(
  dispatcher: Dispatcher,
  options: GitHubApiOptions,
  { method, path, body }: GitHubRequest,
  signal: AbortSignal,
): Promise<unknown> {
  const url = new URL(`${options.server.replace(/\/+$/, "")}${path}`);
  const type = body === undefined ? {} : { "content-type": "application/json" };
  const content = { headers: type, body: body === undefined ? null : JSON.stringify(body) };
  return await ask(dispatcher, options, { url, method, ...content, signal });
}

async function sendFile(
  dispatcher: Dispatcher,
  options: GitHubApiOptions,
  { url, size, open }: GitHubUpload,
): Promise<unknown> {
  const signal = AbortSignal.any([options.signal, AbortSignal.timeout(UPLOAD_TIMEOUT)]);
  const headers = { "content-type": "application/octet-stream", "content-length": String(size) };
  try {
    return await ask(dispatcher, options, { url, method: "POST", headers, body: open(), signal });
  } catch (error) {
    if (options.signal.aborted) throw new KubefileError("CANCELLED", "cancelled while sending a file to GitHub");
    throw error instanceof KubefileError
      ? error
      : noAnswer({ ...options, server: url.origin }, { method: "POST", path: url.pathname }, error);
  }
}

async function ask(
  dispatcher: Dispatcher,
  { token, permission }: GitHubApiOptions,
  request: {
    readonly url: URL;
    readonly method: GitHubRequest["method"];
    readonly headers: Readonly<Record<string, string>>;
    readonly body: string | Readable | null;
    readonly signal: AbortSignal;
  },
): Promise<unknown> {
  const { url, method } = request;
  const answer = await dispatcher.request({
    origin: url.origin,
    path: `${url.pathname}${url.search}`,
    method,
    headers: {
      accept: "application/vnd.github+json",
      authorization: `Bearer ${token}`,
      "user-agent": "kubefile",
      "x-github-api-version": "2022-11-28",
      ...request.headers,
    },
    body: request.body,
    signal: request.signal,
  });
  const bytes = await readAtMost(answer.body, MAX_ANSWER_BYTES);
  if (bytes === undefined) throw new Error(`it answered with more than ${MAX_ANSWER_BYTES} bytes`);
  const value = parseJson(bytes.toString("utf8"));
  const { statusCode: status, headers } = answer;
  if (status >= 200 && status < 300) return value;
  const said = printable(redactText(saidBy(value))).slice(0, 400);
  const message = `GitHub at ${url.host} answered ${status} to ${method} ${url.pathname}${said === "" ? "" : `: ${said}`}`;
  throw new GitHubRefusal(status, message, retryAfter(method, status, headers, said), permission);
}

/**
 * Rate limits are 403 or 429, before anything is done; GitHub says when they end.
 *
 * @see https://docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api
 */
function retryAfter(
  method: GitHubRequest["method"],
  status: number,
  headers: Readonly<Record<string, string | string[] | undefined>>,
  said: string,
): number | undefined {
  const number = (name: string): number | undefined => {
    const value = headers[name];
    return typeof value === "string" && /^\d+$/.test(value) ? Number(value) : undefined;
  };
  const seconds = number("retry-after");
  if (status === 429 || status === 403) {
    if (seconds !== undefined) return seconds * 1_000;
    const reset = number("x-ratelimit-reset");
    if (number("x-ratelimit-remaining") === 0 && reset !== undefined) return Math.max(0, reset * 1_000 - Date.now());
    return status === 429 || /rate limit/i.test(said) ? 60_000 : undefined;
  }
  if (status === 503) return (seconds ?? 0) * 1_000;
  return status >= 500 && method !== "POST" ? (seconds ?? 0) * 1_000 : undefined;
}

function hintFor(status: number, permission: string): string {
  if (status === 401) return "the token has expired, or is no token of this server";
  if (status === 403 || status === 404) return `the job needs \`permissions:\` with \`${permission}\``;
  return "run the job again; its other results are not touched by this";
}

function noAnswer({ server }: GitHubApiOptions, { method, path }: GitHubRequest, error: unknown): KubefileError {
  return new KubefileError("PLATFORM", `GitHub at ${server} did not answer ${method} ${path}: ${errorMessage(error)}`, {
    hint: "check that the runner reaches the server; HTTPS_PROXY and NO_PROXY are taken into account",
    cause: error,
  });
}

function saidBy(value: unknown): string {
  if (typeof value !== "object" || value === null || !("message" in value)) return "";
  return typeof value.message === "string" ? value.message : "";
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
