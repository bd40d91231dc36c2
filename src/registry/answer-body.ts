import { type Readable, Transform, type TransformCallback } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createBrotliDecompress, createGunzip, createInflate } from "node:zlib";
import { isRecord } from "../oci/json-record.ts";
import { readAtMost } from "../process/read-at-most.ts";
import type { RegistryErrorCode } from "./errors.ts";
import type { Redactor } from "./secret.ts";
import { type Answer, header } from "./transport.ts";
import { UpstreamFailure } from "./upstream-failure.ts";

const ERROR_BODY_BYTES = 64 * 1024;
const DETAIL_CHARACTERS = 500;
/** Servers with a certificate answer so to plain http, and to HEAD without a word. */
const MAYBE_TLS = "perhaps it speaks TLS";
const RETRIED_STATUS: readonly number[] = [408, 429, 502, 503, 504];

const knownCodes: ReadonlySet<string> = new Set<RegistryErrorCode>([
  "BLOB_UNKNOWN",
  "BLOB_UPLOAD_INVALID",
  "BLOB_UPLOAD_UNKNOWN",
  "DIGEST_INVALID",
  "MANIFEST_BLOB_UNKNOWN",
  "MANIFEST_INVALID",
  "MANIFEST_UNKNOWN",
  "NAME_INVALID",
  "NAME_UNKNOWN",
  "SIZE_INVALID",
  "UNAUTHORIZED",
  "DENIED",
  "UNSUPPORTED",
  "TOOMANYREQUESTS",
]);

/**
 * A body with its `Content-Encoding` undone. We ask for none, but some servers and caches encode all the same, and
 * digests are those of the decoded bytes.
 *
 * @throws RegistryError 502 for an encoding nobody registered for http
 */
export function decodedBody(answer: Answer): Readable {
  const encoding = contentEncoding(answer);
  if (encoding === undefined) return answer.body;
  const decoders = { gzip: createGunzip, "x-gzip": createGunzip, deflate: createInflate, br: createBrotliDecompress };
  const create = Object.entries(decoders).find(([name]) => name === encoding)?.[1];
  if (create === undefined) {
    answer.body.destroy();
    throw new UpstreamFailure(
      502,
      "UNKNOWN",
      `${answer.url.host} sent Content-Encoding ${JSON.stringify(encoding)}, which it was not asked for`,
    );
  }
  const decoder = create();
  pipeline(answer.body, decoder).catch(() => undefined);
  return decoder;
}

/** The encoding of a body, nothing for plain bytes. */
export function contentEncoding(answer: Answer): string | undefined {
  const encoding = header(answer, "content-encoding")?.trim().toLowerCase();
  return encoding === "" || encoding === "identity" ? undefined : encoding;
}

/** `Content-Length` of the bytes themselves; nothing when it is absent or counts encoded ones. */
export function contentLength(answer: Answer): number | undefined {
  const text = header(answer, "content-length");
  if (text === undefined || !/^\d{1,15}$/.test(text) || contentEncoding(answer) !== undefined) return undefined;
  return Number(text);
}

/** A small body whole. @throws RegistryError 502 SIZE_INVALID above `limit` bytes, and the stream's own errors. */
export async function readBody(answer: Answer, limit: number): Promise<Buffer> {
  const tooLarge = (): UpstreamFailure =>
    new UpstreamFailure(502, "SIZE_INVALID", `${answer.url.host} sent more than ${limit} bytes`);
  if ((contentLength(answer) ?? 0) > limit) {
    answer.body.destroy();
    throw tooLarge();
  }
  const bytes = await readAtMost(decodedBody(answer), limit);
  if (bytes === undefined) throw tooLarge();
  return bytes;
}

/** Skips the first bytes of a body, for servers that answer a range with the whole. */
export function withoutPrefix(body: Readable, bytes: number): Readable {
  let left = bytes;
  const rest = new Transform({
    transform(chunk: Buffer, _encoding: BufferEncoding, callback: TransformCallback) {
      const skipped = Math.min(left, chunk.byteLength);
      left -= skipped;
      callback(null, chunk.subarray(skipped));
    },
  });
  pipeline(body, rest).catch(() => undefined);
  return rest;
}

/**
 * An answer that is not the one asked for, as an error with the registry's own words (distribution-spec, "Error
 * Codes"). `unknown` is the code that a 404 without a body stands for.
 */
export async function answerFailure(
  answer: Answer,
  options: {
    readonly registry: string;
    readonly doing: string;
    readonly unknown?: RegistryErrorCode;
    readonly redactor: Redactor;
  },
): Promise<UpstreamFailure> {
  const said = await readErrorBody(answer);
  const words = said.detail ?? (answer.status === 400 && answer.url.protocol === "http:" ? MAYBE_TLS : undefined);
  const detail = words === undefined ? undefined : clean(options.redactor.redact(words));
  const code = said.code ?? codeOfStatus(answer.status, options.unknown ?? "UNKNOWN");
  const from = answer.url.host === options.registry ? "" : ` (at ${answer.url.host})`;
  const message = `registry ${options.registry}${from} answered ${answer.status} for ${options.doing}`;
  return new UpstreamFailure(answer.status, code, detail === undefined ? message : `${message}: ${detail}`, {
    ...(detail === undefined ? {} : { detail }),
    isTransient: RETRIED_STATUS.includes(answer.status),
    retryAfter: retryAfter(answer),
  });
}

async function readErrorBody(answer: Answer): Promise<{ code?: RegistryErrorCode; detail?: string }> {
  let text: string;
  try {
    text = (await readBody(answer, ERROR_BODY_BYTES)).toString("utf8").trim();
  } catch {
    return {};
  }
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    // An error page is of no use in a message; a line of text is.
    return text === "" || text.startsWith("<") ? {} : { detail: text };
  }
  if (!isRecord(json)) return {};
  const errors = Array.isArray(json.errors) ? json.errors.filter(isRecord) : [json];
  const code = errors.map((error) => error.code).find(isKnownCode);
  // Token services say `details` or `error_description` where registries say `message`.
  const words = errors.flatMap((error) => {
    const word = [error.message, error.details, error.error_description, error.error].find(
      (value) => typeof value === "string" && value !== "",
    );
    const inner = typeof error.detail === "string" && error.detail !== word ? [error.detail] : [];
    return [...(typeof word === "string" ? [word] : []), ...inner];
  });
  return { ...(code === undefined ? {} : { code }), ...(words.length === 0 ? {} : { detail: words.join("; ") }) };
}

/** Registries' words end up in terminals and CI logs: one line, no control characters. */
function clean(text: string): string {
  const line = text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu, " ").trim();
  return line.length > DETAIL_CHARACTERS ? `${line.slice(0, DETAIL_CHARACTERS - 1)}…` : line;
}

function codeOfStatus(status: number, unknown: RegistryErrorCode): RegistryErrorCode {
  if (status === 401) return "UNAUTHORIZED";
  if (status === 403) return "DENIED";
  if (status === 404) return unknown;
  if (status === 405) return "UNSUPPORTED";
  return status === 429 ? "TOOMANYREQUESTS" : "UNKNOWN";
}

/** Milliseconds of `Retry-After`, which is seconds or a date by the server's own clock (RFC 9110, 10.2.3). */
export function retryAfter(answer: Answer): number | undefined {
  const text = header(answer, "retry-after")?.trim() ?? "";
  if (/^\d{1,9}$/.test(text)) return Number(text) * 1000;
  const pause = Date.parse(text) - Date.parse(header(answer, "date") ?? "");
  return Number.isNaN(pause) ? undefined : Math.max(0, pause);
}

function isKnownCode(value: unknown): value is RegistryErrorCode {
  return typeof value === "string" && knownCodes.has(value);
}
