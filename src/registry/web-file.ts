import type { Readable } from "node:stream";
import { KubefileError } from "../error.ts";
import { answerFailure, contentLength, decodedBody } from "./answer-body.ts";
import { openCall } from "./call.ts";
import type { ClientLimits } from "./limits.ts";
import { retrying } from "./retry.ts";
import type { Redactor } from "./secret.ts";
import { discard, header, type Transport } from "./transport.ts";
import type { RequestOptions } from "./types.ts";
import { networkFailure } from "./upstream-failure.ts";

/** A file of a web server, which is none of a registry's. */
export interface WebFile {
  /** Bytes, where the server tells. */
  readonly size: number | undefined;
  /** A strong entity tag (RFC 9110, 8.8.3): the same one means the same bytes. */
  readonly etag: string | undefined;
  /** Empty for HEAD. */
  readonly stream: Readable;
}

export type OpenWebFile = (url: URL, method: "GET" | "HEAD", options: RequestOptions) => Promise<WebFile>;

/**
 * Opens files of web servers without any credential. Whoever wrote the address named its host, so that may be a private
 * one; where a redirect leads is judged as ever, and never from https to http. Errors are RegistryError.
 */
export function createWebFiles(context: {
  readonly transport: Transport;
  readonly limits: ClientLimits;
  readonly redactor: Redactor;
  readonly random: () => number;
  readonly signal: AbortSignal;
}): OpenWebFile {
  const { transport, limits, redactor, random } = context;
  return async (url, method, options) => {
    const call = openCall([options.signal, context.signal], limits.answer);
    const endpoint = { host: url.host, base: new URL(url.origin), prefix: "", isMirror: false, isTrusted: true };
    const doing = `${method} ${url.href}`;
    let isKept = false;
    try {
      return await retrying(
        async () => {
          try {
            const answer = await transport(endpoint, {
              ...{ method, url, lane: "stream", headersTimeout: limits.headers, signal: call.signal },
            });
            if (answer.status !== 200) throw await answerFailure(answer, { registry: url.host, doing, redactor });
            if (method === "HEAD") discard(answer);
            else {
              isKept = true;
              call.stopClock();
              answer.body.once("close", () => call.end());
            }
            const etag = header(answer, "etag");
            return {
              size: contentLength(answer),
              etag: etag !== undefined && /^"[^"]+"$/.test(etag) ? etag : undefined,
              stream: method === "HEAD" ? answer.body : decodedBody(answer),
            };
          } catch (error) {
            if (call.signal.aborted && options.signal?.aborted === true) {
              throw new KubefileError("CANCELLED", `cancelled while fetching ${url.href}`, { cause: error });
            }
            throw networkFailure(error, url.host, doing);
          }
        },
        { attempts: limits.attempts, backoff: limits.backoff, remaining: call.remaining, signal: call.signal, random },
      );
    } finally {
      if (!isKept) call.end();
    }
  };
}
