import { type Readable, Transform, type TransformCallback } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { Digest } from "../oci/digest.ts";
import type { Repository } from "../oci/reference.ts";
import { isDowngrade } from "./endpoint.ts";
import type { Exchange, ExchangeRequest } from "./exchange.ts";
import { pushRequest } from "./push-request.ts";
import { type Answer, discard, header } from "./transport.ts";
import type { BlobSource, PushOptions, RequestOptions } from "./types.ts";
import { UpstreamFailure } from "./upstream-failure.ts";

/** An upload that a registry has open (distribution-spec, "Pushing blobs"). */
export interface UploadSession {
  /** Where its next request goes; a query in it is the registry's own business. */
  readonly location: URL;
  /** Bytes of the blob that the registry has. */
  readonly offset: number;
}

export interface UploadSessions {
  /** `from` is a repository to mount from; undefined when a mount was refused, a plain upload may still be allowed then. */
  open(
    repository: Repository,
    digest: Digest,
    from: string | undefined,
    options: RequestOptions,
  ): Promise<UploadSession | "mounted" | undefined>;
  /** Asks how far an upload has come. Undefined when the registry has nothing of it, or does not tell. */
  resume(
    repository: Repository,
    blob: BlobSource,
    location: URL,
    options: RequestOptions,
  ): Promise<UploadSession | undefined>;
  /** Sends the rest of the blob and closes the upload. */
  finish(repository: Repository, blob: BlobSource, session: UploadSession, options: PushOptions): Promise<void>;
  /** Tells the registry that nothing will come; it need not listen. */
  cancel(repository: Repository, session: UploadSession, options: RequestOptions): Promise<void>;
}

/** Whatever an upload is asked, a registry may say with these that it is gone or that it does not do such things. */
const gone: readonly number[] = [400, 401, 403, 404, 405, 410, 416, 501];

export function createUploadSessions(exchange: Exchange): UploadSessions {
  const request = (
    repository: Repository,
    options: RequestOptions,
    method: ExchangeRequest["method"],
    target: string | URL,
    what: string,
  ): ExchangeRequest => pushRequest(exchange, repository, options, { method, target, what });

  /** Relative or at another origin, with a query that stays as it is. */
  const locationOf = (repository: Repository, answer: Answer): URL => {
    const location = header(answer, "location") ?? "";
    if (location === "" || !URL.canParse(location, answer.url.href)) {
      throw new UpstreamFailure(502, "UNKNOWN", `registry ${repository.host} opened an upload without saying where`);
    }
    const url = new URL(location, answer.url);
    if (isDowngrade(answer.url, url, exchange.policy)) {
      throw new UpstreamFailure(
        502,
        "DENIED",
        `refused to upload to registry ${repository.host}: it leads from https to http at ${url.host}; a proxy before it may fail to say X-Forwarded-Proto`,
      );
    }
    return url;
  };

  const open: UploadSessions["open"] = (repository, digest, from, options) => {
    const mounted = from === undefined ? "" : exchange.endpoint(repository).prefix + from;
    const query = from === undefined ? "" : `?${new URLSearchParams({ mount: digest, from: mounted })}`;
    const post = {
      ...request(repository, options, "POST", `blobs/uploads/${query}`, `an upload of blob ${digest}`),
      alsoPulls: from === undefined ? [] : [from],
      unknown: "NAME_UNKNOWN",
    } as const;
    return exchange.ask(post, async (answer) => {
      if (answer.status === 201 && from !== undefined) {
        discard(answer);
        return "mounted";
      }
      if (answer.status === 202) {
        discard(answer);
        return { location: locationOf(repository, answer), offset: 0 };
      }
      if (from !== undefined && [400, 401, 403, 404, 405].includes(answer.status)) {
        discard(answer);
        return undefined;
      }
      throw await exchange.failure(post, answer);
    });
  };

  const resume: UploadSessions["resume"] = (repository, { digest, size }, location, options) => {
    const get = request(repository, options, "GET", location, `the state of the upload of blob ${digest}`);
    return exchange.ask(get, async (answer) => {
      discard(answer);
      if (gone.includes(answer.status)) return undefined;
      if (answer.status !== 204 && answer.status !== 200 && answer.status !== 202) {
        throw await exchange.failure(get, answer);
      }
      const offset = bytesHeld(header(answer, "range"));
      if (offset === 0 || offset > size) return undefined;
      const isMoved = (header(answer, "location") ?? "") !== "";
      return { location: isMoved ? locationOf(repository, answer) : location, offset };
    });
  };

  const finish: UploadSessions["finish"] = async (repository, blob, { location, offset }, options) => {
    const target = new URL(location);
    target.search += `${target.search === "" ? "?" : "&"}digest=${encodeURIComponent(blob.digest)}`;
    let sourceFailure: { readonly error: unknown } | undefined;
    const body = async (): Promise<Readable> => {
      const stream = await blob.open(offset).catch((error: unknown) => {
        sourceFailure = { error };
        throw error;
      });
      stream.once("error", (error) => {
        sourceFailure = { error };
      });
      return options.onProgress === undefined ? stream : counted(stream, offset, options.onProgress);
    };
    const rest = blob.size - offset;
    const put: ExchangeRequest = {
      ...request(repository, options, "PUT", target, `the upload of blob ${blob.digest}`),
      headers: {
        "content-type": "application/octet-stream",
        "content-length": String(rest),
        // Only where it says something: registries that know no chunks need not read it.
        ...(offset > 0 && rest > 0 ? { "content-range": `${offset}-${blob.size - 1}` } : {}),
      },
      body: offset > 0 && rest === 0 ? async () => Buffer.alloc(0) : body,
      lane: "stream",
      budget: Number.POSITIVE_INFINITY,
      headersTimeout: exchange.limits.upload,
      attempts: 1,
    };
    try {
      await exchange.ask(put, async (answer) => {
        if (answer.status !== 201 && answer.status !== 204) throw await exchange.failure(put, answer);
        discard(answer);
      });
    } catch (error) {
      throw sourceFailure === undefined ? error : sourceFailure.error;
    }
  };

  const cancel: UploadSessions["cancel"] = async (repository, { location }, options) => {
    const end = { ...request(repository, options, "DELETE", location, "the end of an upload"), attempts: 1 };
    await exchange.ask(end, async (answer) => discard(answer)).catch(() => undefined);
  };

  return { open, resume, finish, cancel };
}

/** `Range: 0-41` of an upload: 42 bytes. distribution says `0-0` of none, too, so one byte is as good as none. */
function bytesHeld(range: string | undefined): number {
  const last = Number(/^(?:bytes=)?0-(\d{1,15})$/.exec(range?.trim() ?? "")?.[1] ?? 0);
  return last === 0 ? 0 : last + 1;
}

/** Reports how far this try has come. */
function counted(source: Readable, offset: number, onProgress: (position: number) => void): Readable {
  let position = offset;
  const counter = new Transform({
    transform(chunk: Buffer, _encoding: BufferEncoding, callback: TransformCallback) {
      position += chunk.byteLength;
      onProgress(position);
      callback(null, chunk);
    },
  });
  pipeline(source, counter).catch(() => undefined);
  return counter;
}
