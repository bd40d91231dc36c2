import type { Readable } from "node:stream";
import type { Descriptor } from "../oci/descriptor.ts";
import { type Digest, digestOf, isDigest } from "../oci/digest.ts";
import { MAX_MANIFEST_BYTES } from "../oci/manifest.ts";
import { isManifestType, manifestTypes } from "../oci/media-types.ts";
import { formatRepository, type Repository } from "../oci/reference.ts";
import { contentEncoding, contentLength, decodedBody, readBody, withoutPrefix } from "./answer-body.ts";
import { checkReference } from "./endpoint.ts";
import type { Exchange, ExchangeRequest } from "./exchange.ts";
import { manifestMediaType } from "./manifest-facts.ts";
import { type Answer, discard, header } from "./transport.ts";
import type { RequestOptions, Upstream } from "./types.ts";
import { UpstreamFailure } from "./upstream-failure.ts";

/** HEAD statuses after which a GET may still tell more: the registry's own words, or that only HEAD is refused. */
const askAgain: readonly number[] = [400, 401, 403, 405, 501];

/** The reading half of the client (distribution-spec, "Pull"). */
export function createPull(exchange: Exchange): Upstream {
  const resolve: Upstream["resolve"] = async (repository, reference, options) => {
    const request = { ...manifestRequest(repository, reference, options), method: "HEAD" as const };
    const found = await exchange.ask(request, async (answer) => {
      discard(answer);
      if (answer.status === 200) return descriptorOf(answer, reference);
      // Of a missing manifest, too: somebody waits for that image, and an answer to HEAD has no words.
      if (answer.status === 404 || askAgain.includes(answer.status)) return undefined;
      throw await exchange.failure(request, answer);
    });
    if (found !== undefined) return found;
    const { mediaType, digest, bytes } = await manifest(repository, reference, options);
    return { mediaType, digest, size: bytes.byteLength };
  };

  const manifest: Upstream["manifest"] = async (repository, reference, options) => {
    const request = manifestRequest(repository, reference, options);
    return exchange.ask(request, async (answer) => {
      if (answer.status !== 200) throw await exchange.failure(request, answer);
      const bytes = await readBody(answer, MAX_MANIFEST_BYTES);
      const digest = digestOf(bytes);
      const expected = isDigest(reference) ? reference : statedDigest(answer);
      if (expected !== undefined && expected !== digest) {
        throw new UpstreamFailure(
          502,
          "DIGEST_INVALID",
          `registry ${repository.host} sent bytes of digest ${digest} for ${request.doing}${isDigest(reference) ? "" : `, which it says is ${expected}`}`,
        );
      }
      return { mediaType: manifestMediaType(bytes, mediaTypeOf(answer)), digest, bytes };
    });
  };

  const blob: Upstream["blob"] = async (repository, digest, options) => {
    const offset = options.offset ?? 0;
    const request: ExchangeRequest = {
      ...blobRequest(repository, digest, options),
      headers: offset === 0 ? {} : { range: `bytes=${offset}-` },
      lane: "stream",
      keepsBody: true,
    };
    return exchange.ask(request, async (answer) => {
      if (answer.status !== 200 && answer.status !== 206) throw await exchange.failure(request, answer);
      try {
        const { stream, size } = openBlob(answer, offset, request.doing);
        return { stream, size: size ?? options.size ?? (await requireSize(repository, digest, options)) };
      } catch (error) {
        answer.body.destroy();
        throw error;
      }
    });
  };

  const hasBlob: Upstream["hasBlob"] = async (repository, digest, options) => {
    const request = { ...blobRequest(repository, digest, options), method: "HEAD" as const };
    const head = await exchange.ask(request, async (answer) => {
      discard(answer);
      const isOwn = answer.url.origin === exchange.endpoint(repository).base.origin;
      if (answer.status === 200) return contentLength(answer) ?? "ask again";
      if (answer.status === 404 && isOwn) return undefined;
      // Signed URLs of many stores are good for GET alone.
      if (askAgain.includes(answer.status) || !isOwn) return "ask again";
      throw await exchange.failure(request, answer);
    });
    if (head !== "ask again") return head === undefined ? undefined : { size: head };
    return sizeByGet(repository, digest, options);
  };

  /** The size as the first byte's answer states it; the rest of the body is not read. */
  const sizeByGet = (
    repository: Repository,
    digest: Digest,
    options: RequestOptions,
  ): Promise<{ size: number } | undefined> => {
    const request = { ...blobRequest(repository, digest, options), headers: { range: "bytes=0-0" } };
    return exchange.ask(request, async (answer) => {
      if (answer.status === 404) {
        discard(answer);
        return undefined;
      }
      if (answer.status !== 200 && answer.status !== 206) throw await exchange.failure(request, answer);
      answer.body.destroy();
      const size = answer.status === 206 ? contentRange(answer)?.total : contentLength(answer);
      // The total of a range counts encoded bytes too.
      if (size === undefined || contentEncoding(answer) !== undefined)
        throw sizeMissing(repository.host, request.doing);
      return { size };
    });
  };

  const requireSize = async (repository: Repository, digest: Digest, options: RequestOptions): Promise<number> => {
    const found = await hasBlob(repository, digest, options);
    if (found === undefined) throw sizeMissing(repository.host, `blob ${digest} of ${formatRepository(repository)}`);
    return found.size;
  };

  return { resolve, manifest, blob, hasBlob };
}

function manifestRequest(repository: Repository, reference: string, options: RequestOptions): ExchangeRequest {
  return {
    repository,
    method: "GET",
    target: `manifests/${checkReference(reference)}`,
    doing: `manifest ${formatRepository(repository)}${isDigest(reference) ? "@" : ":"}${reference}`,
    unknown: "MANIFEST_UNKNOWN",
    headers: { accept: manifestTypes.join(", ") },
    options,
  };
}

function blobRequest(repository: Repository, digest: Digest, options: RequestOptions): ExchangeRequest {
  return {
    repository,
    method: "GET",
    target: `blobs/${digest}`,
    doing: `blob ${digest} of ${formatRepository(repository)}`,
    unknown: "BLOB_UNKNOWN",
    options,
  };
}

/** What the headers of a HEAD tell; nothing when one that is needed is absent or odd. */
function descriptorOf(answer: Answer, reference: string): Descriptor | undefined {
  const mediaType = mediaTypeOf(answer);
  const size = contentLength(answer);
  const digest = statedDigest(answer);
  if (mediaType === undefined || !isManifestType(mediaType) || size === undefined || digest === undefined) {
    return undefined;
  }
  return isDigest(reference) && reference !== digest ? undefined : { mediaType, digest, size };
}

function mediaTypeOf(answer: Answer): string | undefined {
  return header(answer, "content-type")?.split(";")[0]?.trim().toLowerCase();
}

/** `Docker-Content-Digest`; other algorithms than sha256 are as good as none. */
function statedDigest(answer: Answer): Digest | undefined {
  const text = header(answer, "docker-content-digest")?.trim();
  return text !== undefined && isDigest(text) ? text : undefined;
}

/** The bytes from `offset` on. The size is that of the whole blob, where the answer tells. */
function openBlob(
  answer: Answer,
  offset: number,
  doing: string,
): { readonly stream: Readable; readonly size: number | undefined } {
  if (answer.status === 200) {
    const whole = decodedBody(answer);
    return { stream: offset === 0 ? whole : withoutPrefix(whole, offset), size: contentLength(answer) };
  }
  const range = contentRange(answer);
  // Bytes of a compressed copy, or from elsewhere, would be joined to what is there and spoil it.
  if (offset === 0 || range?.start !== offset || contentEncoding(answer) !== undefined) {
    throw new UpstreamFailure(
      502,
      "UNKNOWN",
      `${answer.url.host} answered with another range (${header(answer, "content-range") ?? "none"}) than bytes ${offset} to the end for ${doing}`,
    );
  }
  return { stream: answer.body, size: range.total };
}

function contentRange(answer: Answer): { readonly start: number; readonly total: number | undefined } | undefined {
  const [, start, total] =
    /^bytes (\d{1,15})-\d{1,15}\/(\d{1,15}|\*)$/.exec(header(answer, "content-range") ?? "") ?? [];
  if (start === undefined) return undefined;
  return { start: Number(start), total: total === undefined || total === "*" ? undefined : Number(total) };
}

function sizeMissing(registry: string, doing: string): UpstreamFailure {
  return new UpstreamFailure(502, "SIZE_INVALID", `registry ${registry} does not tell the size of ${doing}`);
}
