import { errorMessage } from "../error.ts";
import { retryAfter } from "../registry/answer-body.ts";
import { openCall } from "../registry/call.ts";
import type { Dialer } from "../registry/dialer.ts";
import { retrying } from "../registry/retry.ts";
import { redactText } from "../registry/secret.ts";
import type { Answer } from "../registry/transport.ts";
import { DeadlinePassed, UpstreamFailure } from "../registry/upstream-failure.ts";

/**
 * Milliseconds. `call` is for one exchange with its further tries: GitHub asks to stay away for up to a minute when a
 * repository's builds write or read too much, which is longer than a record is worth.
 */
const limits = { call: 30_000, headers: 15_000, attempts: 3, backoff: 500 } as const;

const RETRIED: readonly number[] = [408, 429, 500, 502, 503, 504];
const LONGEST_WORDS = 300;

export interface GhaRequest {
  /** For messages: a method, or what an address is for, since signed addresses are secrets. */
  readonly doing: string;
  readonly url: URL;
  readonly method: "GET" | "POST" | "PUT";
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer | null;
}

/** Sends a request and reads its answer, again after failures that may pass; `read` throws `refusal` for them. */
export type GhaExchange = <Result>(
  request: GhaRequest,
  signal: AbortSignal,
  read: (answer: Answer) => Promise<Result>,
) => Promise<Result>;

/** @param random from 0 up to 1, for pauses */
export function createGhaExchange(dialer: Dialer, userAgent: string, random: () => number): GhaExchange {
  return async (request, signal, read) => {
    const call = openCall([signal], limits.call);
    const attempt = async (): ReturnType<typeof read> => {
      try {
        const { statusCode, headers, body } = await dialer.request(request.url, {
          method: request.method,
          headers: { "user-agent": userAgent, ...request.headers },
          body: request.body,
          headersTimeout: limits.headers,
          signal: call.signal,
          lane: "answer",
          // The job's own variables say where its service is, and that may be anywhere.
          mayBePrivate: true,
        });
        // A connection that breaks under a body nobody reads must not bring the process down.
        body.on("error", () => undefined);
        return await read({ status: statusCode, headers, body, url: request.url });
      } catch (error) {
        signal.throwIfAborted();
        throw unreachable(error, request);
      }
    };
    try {
      const { attempts, backoff } = limits;
      return await retrying(attempt, { attempts, backoff, remaining: call.remaining, signal: call.signal, random });
    } catch (error) {
      signal.throwIfAborted();
      throw error;
    } finally {
      call.end();
    }
  };
}

/** An answer that is not the one asked for. @param words the service's own */
export function refusal(answer: Answer, { doing }: GhaRequest, words: string | undefined): UpstreamFailure {
  const pause = retryAfter(answer);
  const wait = answer.status === 429 && pause !== undefined ? `, and asks to wait ${Math.ceil(pause / 1000)} s` : "";
  // GitHub's own client knows it by these words.
  const full = words?.includes("insufficient usage") === true ? ", as the storage for caches is used up" : "";
  const message = `GitHub's cache answered ${answer.status} for ${doing}${full}${said(words)}${wait}`;
  return new UpstreamFailure(answer.status, answer.status === 429 ? "TOOMANYREQUESTS" : "UNKNOWN", message, {
    isTransient: RETRIED.includes(answer.status),
    retryAfter: pause,
  });
}

/** A service's words as the end of a message: one line, short, no secrets. */
export function said(words: string | undefined): string {
  if (words === undefined) return "";
  const line = redactText(words.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu, " ").trim());
  return `: ${line.slice(0, LONGEST_WORDS)}`;
}

function unreachable(error: unknown, { doing, url }: GhaRequest): Error {
  if (error instanceof UpstreamFailure) return error;
  const status = error instanceof DeadlinePassed ? 504 : 502;
  const message = `GitHub's cache at ${url.host} cannot be reached for ${doing}${said(errorMessage(error))}`;
  return new UpstreamFailure(status, "UNKNOWN", message, { cause: error, isTransient: true });
}
