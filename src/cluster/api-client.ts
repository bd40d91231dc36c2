import { Agent, type Dispatcher } from "undici";
import { errorMessage, KubefileError } from "../error.ts";
import { readAtMost } from "../process/read-at-most.ts";
import { type ApiAccess, readKubeconfig } from "./kubeconfig.ts";
import type { ApiOptions, KubernetesApi, KubernetesObject } from "./types.ts";
import { watchResource } from "./watch.ts";

/** The API server's `Status` answer. */
export class KubernetesApiError extends Error {
  readonly status: number;
  /** `NotFound`, `AlreadyExists`, `Expired`, …; empty when the server gave none. */
  readonly reason: string;

  constructor(status: number, reason: string, message: string) {
    super(message);
    this.name = "KubernetesApiError";
    this.status = status;
    this.reason = reason;
  }
}

export interface ApiClient extends KubernetesApi {
  close(): Promise<void>;
}

/** A page of a list: large enough for most clusters of a launch, small enough to hold. */
const PAGE_SIZE = 500;
const ANSWER_LIMIT = 64 * 1024 * 1024;

/**
 * A client of one API server, with the client certificate of a kubeconfig file.
 *
 * @throws KubefileError CLUSTER_FAILED when the file is no kubeconfig with a client certificate
 */
export async function apiClient(kubeconfig: string): Promise<ApiClient> {
  const access = await readKubeconfig(kubeconfig);
  const agent = new Agent({
    connect: { ca: access.ca, cert: access.certificate, key: access.key, timeout: 10_000 },
    // A watch holds a connection for minutes.
    bodyTimeout: 0,
    keepAliveTimeout: 30_000,
  });
  const send = (request: ApiRequest): Promise<Dispatcher.ResponseData> => sendRequest(agent, access, request);
  const json = async <T>(method: ApiRequest["method"], path: string, body: unknown, options: ApiOptions): Promise<T> =>
    JSON.parse(await wholeAnswer(send, { method, path, body, accept: "application/json", ...options })) as T;

  const api: ApiClient = {
    get: (path, options = {}) => json("GET", path, undefined, options),
    create: (path, body, options = {}) => json("POST", path, body, options),
    async delete(path, options = {}) {
      await wholeAnswer(send, { method: "DELETE", path, accept: "application/json", ...options });
    },
    async list(path, options = {}) {
      const items: KubernetesObject[] = [];
      let next: string | undefined;
      for (;;) {
        const query = withQuery(path, { limit: String(PAGE_SIZE), ...(next === undefined ? {} : { continue: next }) });
        const page = await json<ListPage>("GET", query, undefined, options);
        // Items of a typed list carry neither; a watch's objects do.
        const shared = {
          ...(page.apiVersion === undefined ? {} : { apiVersion: page.apiVersion }),
          ...(page.kind === undefined ? {} : { kind: page.kind.replace(/List$/, "") }),
        };
        for (const item of page.items ?? []) items.push({ ...shared, ...item });
        next = page.metadata.continue;
        if (next === undefined || next === "") return { items, resourceVersion: page.metadata.resourceVersion };
      }
    },
    watch: (path, onEvent, signal) =>
      watchResource({
        list: (listOptions) => api.list(path, listOptions),
        open: async (query, watchSignal) => {
          const answer = await send({
            method: "GET",
            path: withQuery(path, query),
            accept: "application/json",
            signal: watchSignal,
          });
          if (answer.statusCode !== 200) throw await apiError(answer);
          return answer.body;
        },
        onEvent,
        signal,
      }),
    text: (path, options = {}) => wholeAnswer(send, { method: "GET", path, accept: "*/*", ...options }),
    close: () => agent.destroy(),
  };
  return api;
}

interface ListPage {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly metadata: { readonly resourceVersion: string; readonly continue?: string };
  readonly items?: readonly KubernetesObject[] | null;
}

interface ApiRequest extends ApiOptions {
  readonly method: "GET" | "POST" | "DELETE";
  readonly path: string;
  readonly body?: unknown;
  readonly accept: string;
}

async function sendRequest(agent: Agent, access: ApiAccess, request: ApiRequest): Promise<Dispatcher.ResponseData> {
  return await agent.request({
    origin: access.server,
    path: request.path,
    method: request.method,
    headers: {
      accept: request.accept,
      ...(request.body === undefined ? {} : { "content-type": "application/json" }),
    },
    ...(request.body === undefined ? {} : { body: JSON.stringify(request.body) }),
    ...(request.signal === undefined ? {} : { signal: request.signal }),
  });
}

/** One request with its time limit, answer and all. */
async function wholeAnswer(
  send: (request: ApiRequest) => Promise<Dispatcher.ResponseData>,
  request: ApiRequest,
): Promise<string> {
  const timeout = request.timeout ?? 30_000;
  const limit = AbortSignal.timeout(timeout);
  const signal = request.signal === undefined ? limit : AbortSignal.any([request.signal, limit]);
  try {
    const answer = await send({ ...request, signal });
    if (answer.statusCode >= 300) throw await apiError(answer);
    return await limitedText(answer);
  } catch (error) {
    if (request.signal?.aborted) throw new KubefileError("CANCELLED", "cancelled while asking the API server");
    if (limit.aborted) {
      throw new KubernetesApiError(504, "Timeout", `${request.method} ${request.path}: no answer in ${timeout} ms`);
    }
    if (error instanceof KubernetesApiError) throw error;
    throw new KubernetesApiError(0, "Unreachable", `${request.method} ${request.path}: ${errorMessage(error)}`);
  }
}

async function limitedText(answer: Dispatcher.ResponseData): Promise<string> {
  const bytes = await readAtMost(answer.body, ANSWER_LIMIT);
  if (bytes === undefined) throw new Error(`the answer is larger than ${ANSWER_LIMIT} bytes`);
  return bytes.toString("utf8");
}

async function apiError(answer: Dispatcher.ResponseData): Promise<KubernetesApiError> {
  const text = await limitedText(answer);
  try {
    const status: { readonly reason?: string; readonly message?: string } = JSON.parse(text);
    return new KubernetesApiError(answer.statusCode, status.reason ?? "", status.message ?? text.slice(0, 500));
  } catch {
    return new KubernetesApiError(answer.statusCode, "", text.slice(0, 500) || `status ${answer.statusCode}`);
  }
}

function withQuery(path: string, query: Readonly<Record<string, string>>): string {
  const added = new URLSearchParams(query).toString();
  return `${path}${path.includes("?") ? "&" : "?"}${added}`;
}
