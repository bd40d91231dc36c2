import { createHash, timingSafeEqual } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { isDigest } from "../oci/digest.ts";
import { unlessAborted } from "../store/wait.ts";
import { RegistryError } from "./errors.ts";
import { sendBlob, sendError, sendManifest, toRegistryError } from "./server-answer.ts";
import { parseRange } from "./server-range.ts";
import { parseRoute, type Route } from "./server-route.ts";
import type { ContentSource, PullEvent } from "./types.ts";

export interface RequestContext {
  readonly source: ContentSource;
  readonly accessHeader?: { readonly name: string; readonly value: string };
  readonly defaultNamespace?: string;
  readonly onEvent?: (event: PullEvent) => void;
  readonly clock?: () => Date;
  /** Milliseconds until the source must have something to answer. */
  readonly answerWithin: number;
}

/** What is known about an answer so far; becomes the event. */
type Answer = { -readonly [Key in keyof PullEvent]?: PullEvent[Key] };

/** Answers one request and tells of it. Never rejects. */
export async function serveRequest(
  request: IncomingMessage,
  response: ServerResponse,
  context: RequestContext,
): Promise<void> {
  const clock = context.clock ?? (() => new Date());
  const time = clock();
  const client = request.socket.remoteAddress ?? "";
  const answer: Answer = {};
  const leaving = new AbortController();
  response.once("close", () => {
    leaving.abort();
    if (!response.writableFinished) answer.error ??= "the client left";
    context.onEvent?.({
      time,
      kind: "other",
      method: request.method ?? "",
      status: response.headersSent ? response.statusCode : 0,
      bytes: 0,
      milliseconds: clock().getTime() - time.getTime(),
      client,
      ...answer,
    });
  });
  try {
    await respond(request, response, context, answer, leaving.signal);
  } catch (error) {
    const failure = toRegistryError(error);
    if (!leaving.signal.aborted) answer.error = failure.message;
    if (!response.headersSent && !response.destroyed) sendError(response, failure);
  }
}

async function respond(
  request: IncomingMessage,
  response: ServerResponse,
  context: RequestContext,
  answer: Answer,
  signal: AbortSignal,
): Promise<void> {
  checkAccess(request, context.accessHeader);
  if (request.method !== "GET" && request.method !== "HEAD") {
    throw new RegistryError(405, "UNSUPPORTED", "this registry is read-only");
  }
  if (request.headers["transfer-encoding"] !== undefined || Number(request.headers["content-length"] ?? 0) !== 0) {
    throw new RegistryError(400, "UNSUPPORTED", "a request to read has no body");
  }
  const route = parseRoute(request.url ?? "", context.defaultNamespace);
  describe(route, answer);
  const inTime = <Result>(work: Promise<Result>, release?: (late: Result) => unknown): Promise<Result> =>
    unlessAborted(work, AbortSignal.timeout(context.answerWithin), release).catch((error: unknown) => {
      const isLate = error instanceof DOMException && error.name === "TimeoutError";
      throw isLate ? new RegistryError(502, "UNKNOWN", "the upstream registry did not answer in time") : error;
    });

  switch (route.kind) {
    case "ping":
      response.writeHead(200, { "content-type": "application/json", "content-length": 2 }).end("{}");
      return;
    case "referrers":
      // Clients go on to the tag that stands for referrers, and find none.
      throw new RegistryError(404, "UNSUPPORTED", "this registry has no referrers");
    case "manifest": {
      const manifest = await inTime(context.source.manifest(route.repository, route.reference, { signal }));
      answer.digest = manifest.digest;
      answer.mediaType = manifest.mediaType;
      const sent = sendManifest(response, route.repository, manifest);
      answer.bytes = request.method === "HEAD" ? 0 : sent;
      return;
    }
    case "blob": {
      const { repository, digest } = route;
      const header = rangeHeader(request, digest);
      const range = (size: number): { start: number; end: number } | undefined => parseRange(header, size);
      const blob = await inTime(context.source.blob(repository, digest, { range, signal }), ({ stream }) =>
        stream.destroy(),
      );
      await sendBlob(response, blob, {
        repository,
        digest,
        isHead: request.method === "HEAD",
        onBytes: (count) => {
          answer.bytes = (answer.bytes ?? 0) + count;
        },
        signal,
      });
      return;
    }
    default:
      route satisfies never;
  }
}

function describe(route: Route, answer: Answer): void {
  if (route.kind === "ping") return;
  answer.repository = route.repository;
  if (route.kind === "referrers") return;
  answer.kind = route.kind;
  answer.reference = route.kind === "manifest" ? route.reference : route.digest;
  if (isDigest(answer.reference)) answer.digest = answer.reference;
}

/** The `Range` header if it applies: to GET, and under `If-Range` only when the client means this content. */
function rangeHeader(request: IncomingMessage, digest: string): string | undefined {
  const condition = request.headers["if-range"];
  if (request.method !== "GET" || (condition !== undefined && condition !== `"${digest}"`)) return undefined;
  return request.headers.range;
}

function checkAccess(request: IncomingMessage, expected: RequestContext["accessHeader"]): void {
  if (expected === undefined) return;
  const given = request.headers[expected.name];
  const hash = (text: string): Buffer => createHash("sha256").update(text).digest();
  if (typeof given !== "string" || !timingSafeEqual(hash(given), hash(expected.value))) {
    throw new RegistryError(403, "DENIED", "this registry serves the nodes of one run only");
  }
}
