import { once } from "node:events";
import type { ServerResponse } from "node:http";
import { Socket } from "node:net";
import { errorMessage, KubefileError } from "../error.ts";
import type { Digest } from "../oci/digest.ts";
import type { Repository } from "../oci/reference.ts";
import { RegistryError } from "./errors.ts";
import { UnsatisfiableRange } from "./server-range.ts";
import type { ManifestContent, ServedBlob } from "./types.ts";

/** containerd 2.3 waits 30 s for headers; bytes may be long in coming while an upstream stalls. */
const FLUSH_HEADERS_MILLISECONDS = 10_000;

/** What a failure is to a client: an error of ours or of an upstream, in the words of the distribution-spec. */
export function toRegistryError(error: unknown): RegistryError {
  if (!(error instanceof RegistryError)) {
    return new RegistryError(502, "UNKNOWN", errorMessage(error), { cause: error });
  }
  // Without a challenge a 401 says nothing to a client; containerd shows the body of a 403.
  if (error.status === 401) return withStatus(error, 403);
  // Upstreams were tried with patience already. Clients would try 408, 429, 500, 503 and 504 again at once.
  return [400, 403, 404, 405, 416, 502].includes(error.status) ? error : withStatus(error, 502);
}

/** Writes the JSON body of distribution-spec's "Error Codes". */
export function sendError(response: ServerResponse, error: RegistryError): void {
  const { code, message, detail } = error;
  const body = JSON.stringify({ errors: [{ code, message, ...(detail === undefined ? {} : { detail }) }] });
  response.writeHead(error.status, {
    "content-type": "application/json; charset=utf-8",
    "content-length": Buffer.byteLength(body),
    ...(error instanceof UnsatisfiableRange ? { "content-range": `bytes */${error.size}` } : {}),
    ...(error.status === 405 ? { allow: "GET, HEAD" } : {}),
    ...(error.status === 400 || error.status === 405 ? { connection: "close" } : {}),
  });
  response.end(body);
}

export function sendManifest(response: ServerResponse, repository: Repository, manifest: ManifestContent): number {
  response.writeHead(200, {
    ...contentHeaders(repository, manifest.digest),
    "content-type": manifest.mediaType,
    "content-length": manifest.bytes.byteLength,
  });
  response.end(manifest.bytes);
  return manifest.bytes.byteLength;
}

/**
 * Sends a blob or its range. `onBytes` hears of every piece. When the blob's stream fails before its first byte the
 * error is thrown, to be answered like any other; later the connection is ended in the way that tells the client what
 * its bytes are worth: a plain close when it may go on from there, a reset when they may be wrong.
 */
export async function sendBlob(
  response: ServerResponse,
  blob: ServedBlob,
  options: {
    readonly repository: Repository;
    readonly digest: Digest;
    readonly isHead: boolean;
    readonly onBytes: (count: number) => void;
    /** Aborted when the client leaves. */
    readonly signal: AbortSignal;
  },
): Promise<void> {
  const length = blob.end - blob.start;
  const isPartial = length < blob.size;
  const writeHead = (): void => {
    if (response.headersSent) return;
    response.writeHead(isPartial ? 206 : 200, {
      ...contentHeaders(options.repository, options.digest),
      "content-type": "application/octet-stream",
      "content-length": length,
      "accept-ranges": "bytes",
      ...(isPartial ? { "content-range": `bytes ${blob.start}-${blob.end - 1}/${blob.size}` } : {}),
    });
    response.flushHeaders();
  };
  if (options.isHead) {
    blob.stream.once("error", () => undefined).destroy();
    writeHead();
    response.end();
    return;
  }
  const impatience = setTimeout(writeHead, FLUSH_HEADERS_MILLISECONDS);
  let sent = 0;
  try {
    for await (const chunk of blob.stream) {
      writeHead();
      sent += chunk.byteLength;
      options.onBytes(chunk.byteLength);
      if (sent === length) {
        // containerd hangs up as soon as it has the last byte, so the answer ends with it.
        response.end(chunk);
        return;
      }
      if (!response.write(chunk)) await once(response, "drain", { signal: options.signal });
    }
    if (sent !== length) throw new Error(`the blob ended after ${sent} of ${length} bytes`);
    writeHead();
    response.end();
  } catch (error) {
    if (response.headersSent) endConnection(response, error instanceof KubefileError && error.code === "STORE_CORRUPT");
    throw error;
  } finally {
    clearTimeout(impatience);
  }
}

function endConnection(response: ServerResponse, isSuspect: boolean): void {
  const { socket } = response;
  if (socket === null) return;
  // A TLS connection cannot be reset; cutting it without a closing alert says the same.
  if (!isSuspect) socket.destroySoon();
  else if (socket.constructor === Socket) socket.resetAndDestroy();
  else socket.destroy();
}

function contentHeaders(repository: Repository, digest: Digest): Record<string, string> {
  return { "docker-content-digest": digest, etag: `"${digest}"`, "oci-namespace": repository.host };
}

function withStatus(error: RegistryError, status: number): RegistryError {
  const { code, message, detail } = error;
  return new RegistryError(status, code, message, { ...(detail === undefined ? {} : { detail }), cause: error });
}
