import { type Readable, Transform, type TransformCallback } from "node:stream";
import { pipeline } from "node:stream/promises";
import { digestOf } from "../oci/digest.ts";
import { formatRepository, type Repository } from "../oci/reference.ts";
import { checkReference, isDowngrade } from "./endpoint.ts";
import type { Exchange, ExchangeRequest } from "./exchange.ts";
import { retrying } from "./retry.ts";
import { type Answer, discard, header } from "./transport.ts";
import type { BlobSource, PushOptions, RegistryClient, Upstream } from "./types.ts";
import { UpstreamFailure } from "./upstream-failure.ts";

const UPLOAD_ATTEMPTS = 4;
/** Registries that cannot mount answer the first try with a session; asking about many sources is of no use then. */
const MAX_MOUNT_SOURCES = 3;

/** The writing half of the client (distribution-spec, "Push"). */
export function createPush(exchange: Exchange, upstream: Upstream): Pick<RegistryClient, "pushBlob" | "pushManifest"> {
  /**
   * One POST and one streaming PUT: chunked uploads are where registries differ most. Each further try begins with a
   * HEAD, since the answer to a complete upload may have been lost, and uses a new session.
   */
  const pushBlob: RegistryClient["pushBlob"] = (repository, blob, options) => {
    let isFirst = true;
    const attempt = async (): Promise<"exists" | "mounted" | "uploaded"> => {
      const wasFirst = isFirst;
      isFirst = false;
      if (await isThere(repository, blob, options)) return wasFirst ? "exists" : "uploaded";
      const session = await startUpload(repository, blob, options);
      if (session === "mounted") return "mounted";
      await upload(repository, blob, session, options);
      return "uploaded";
    };
    return retrying(attempt, {
      attempts: UPLOAD_ATTEMPTS,
      backoff: exchange.limits.backoff,
      // An upload takes as long as it takes; what is bounded is a pause.
      remaining: () => exchange.limits.push,
      signal: options.signal ?? neverAborted,
      random: exchange.random,
      isWorthRetrying: ({ code }) => code === "BLOB_UPLOAD_UNKNOWN" || code === "BLOB_UPLOAD_INVALID",
    });
  };

  const isThere = (repository: Repository, { digest }: BlobSource, options: PushOptions): Promise<boolean> => {
    const request = pushRequest(repository, options, "HEAD", `blobs/${digest}`, `blob ${digest}`);
    return exchange.ask(request, async (answer) => {
      discard(answer);
      if (answer.status === 200) return true;
      const isElsewhere = answer.url.origin !== exchange.endpoint(repository).base.origin;
      // The registry found it and sent us to its storage, where a signed URL may be good for GET alone.
      if (isElsewhere && [400, 403, 405].includes(answer.status)) {
        return (await upstream.hasBlob(repository, digest, options)) !== undefined;
      }
      // A registry that lets us write but not look is asked no further: the upload tells.
      if ([401, 403, 404, 405].includes(answer.status)) return false;
      throw await exchange.failure(request, answer);
    });
  };

  const startUpload = async (
    repository: Repository,
    blob: BlobSource,
    options: PushOptions,
  ): Promise<URL | "mounted"> => {
    const sources = (options.mountFrom ?? []).filter((path) => path !== repository.path).slice(0, MAX_MOUNT_SOURCES);
    for (const from of sources) {
      const query = new URLSearchParams({ mount: blob.digest, from: exchange.endpoint(repository).prefix + from });
      const session = await openSession(repository, blob, options, `?${query}`, [from]);
      if (session === "mounted") return "mounted";
      if (session !== undefined) return session;
    }
    const session = await openSession(repository, blob, options, "", []);
    if (session === undefined) throw new UpstreamFailure(502, "UNKNOWN", `registry ${repository.host} opens no upload`);
    return session;
  };

  /** Undefined when a mount was refused; a plain upload may still be allowed then. */
  const openSession = (
    repository: Repository,
    { digest }: BlobSource,
    options: PushOptions,
    query: string,
    alsoPulls: readonly string[],
  ): Promise<URL | "mounted" | undefined> => {
    const request = {
      ...pushRequest(repository, options, "POST", `blobs/uploads/${query}`, `an upload of blob ${digest}`),
      alsoPulls,
      unknown: "NAME_UNKNOWN",
    } as const;
    return exchange.ask(request, async (answer) => {
      if (answer.status === 201 && query !== "") {
        discard(answer);
        return "mounted";
      }
      if (answer.status === 202) {
        discard(answer);
        return uploadLocation(repository, answer);
      }
      if (query !== "" && [400, 401, 403, 404, 405].includes(answer.status)) {
        discard(answer);
        return undefined;
      }
      throw await exchange.failure(request, answer);
    });
  };

  /** Relative or at another origin, with a query that is the registry's own business and stays as it is. */
  const uploadLocation = (repository: Repository, answer: Answer): URL => {
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

  const upload = async (
    repository: Repository,
    blob: BlobSource,
    session: URL,
    options: PushOptions,
  ): Promise<void> => {
    const target = new URL(session);
    target.search += `${target.search === "" ? "?" : "&"}digest=${encodeURIComponent(blob.digest)}`;
    let sourceFailure: { readonly error: unknown } | undefined;
    const request: ExchangeRequest = {
      ...pushRequest(repository, options, "PUT", target, `the upload of blob ${blob.digest}`),
      headers: { "content-type": "application/octet-stream", "content-length": String(blob.size) },
      body: async () => {
        const stream = await blob.open().catch((error: unknown) => {
          sourceFailure = { error };
          throw error;
        });
        stream.once("error", (error) => {
          sourceFailure = { error };
        });
        return options.onProgress === undefined ? stream : counted(stream, options.onProgress);
      },
      lane: "stream",
      budget: Number.POSITIVE_INFINITY,
      headersTimeout: exchange.limits.upload,
      attempts: 1,
    };
    try {
      await exchange.ask(request, async (answer) => {
        if (answer.status !== 201 && answer.status !== 204) throw await exchange.failure(request, answer);
        discard(answer);
      });
    } catch (error) {
      throw sourceFailure === undefined ? error : sourceFailure.error;
    }
  };

  const pushManifest: RegistryClient["pushManifest"] = async (repository, reference, mediaType, bytes, options) => {
    const request: ExchangeRequest = {
      ...pushRequest(repository, options, "PUT", `manifests/${checkReference(reference)}`, `manifest ${reference}`),
      headers: { "content-type": mediaType, "content-length": String(bytes.byteLength) },
      body: async () => bytes,
    };
    return exchange.ask(request, async (answer) => {
      if (answer.status !== 201 && answer.status !== 200) throw await exchange.failure(request, answer);
      discard(answer);
      const stated = header(answer, "docker-content-digest");
      if (stated?.startsWith("sha256:") === true && stated !== digestOf(bytes)) {
        throw new UpstreamFailure(
          502,
          "DIGEST_INVALID",
          `registry ${repository.host} stored other bytes than were sent for ${request.doing}: ${stated.slice(0, 80)}`,
        );
      }
    });
  };

  const pushRequest = (
    repository: Repository,
    options: PushOptions,
    method: ExchangeRequest["method"],
    target: string | URL,
    what: string,
  ): ExchangeRequest => ({
    repository,
    method,
    target,
    doing: `${what} to ${formatRepository(repository)}`,
    actions: "pull,push",
    budget: exchange.limits.push,
    options,
  });

  return { pushBlob, pushManifest };
}

const neverAborted = new AbortController().signal;

/** Reports how many bytes of this try have been handed over. */
function counted(source: Readable, onProgress: (bytes: number) => void): Readable {
  let sent = 0;
  const counter = new Transform({
    transform(chunk: Buffer, _encoding: BufferEncoding, callback: TransformCallback) {
      sent += chunk.byteLength;
      onProgress(sent);
      callback(null, chunk);
    },
  });
  pipeline(source, counter).catch(() => undefined);
  return counter;
}
