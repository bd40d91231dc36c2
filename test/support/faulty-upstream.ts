import { createServer, get, type IncomingMessage, type ServerResponse } from "node:http";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { BlobFetcher } from "../../src/store/types.ts";

/** What goes wrong with one answer of the upstream; nothing when empty. */
export interface Fault {
  /** The connection is cut after so many bytes of this answer. */
  readonly cutAfter?: number;
  /** This byte of the blob, counted from its start, is sent wrong. */
  readonly flip?: number;
  /** Waits for this before each chunk, so a test decides how fast bytes come. */
  readonly gate?: () => Promise<void>;
  /** Announces another size. */
  readonly size?: number;
  readonly status?: number;
}

export interface FaultyUpstream {
  /** `Range` values of the requests so far, "whole" for those without. */
  readonly requests: readonly string[];
  readonly fetcher: BlobFetcher;
  close(): Promise<void>;
}

const CHUNK_BYTES = 16 * 1024;

/** An HTTP server that sends one blob; the n-th answer has the n-th fault. */
export async function startFaultyUpstream(blob: Buffer, faults: readonly Fault[] = []): Promise<FaultyUpstream> {
  const requests: string[] = [];
  const server = createServer((request, response) => {
    const fault = faults[requests.length] ?? {};
    requests.push(request.headers.range ?? "whole");
    void answer(request, response, blob, fault);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  return {
    requests,
    fetcher: (offset, signal) => fetchFrom(`http://127.0.0.1:${address.port}/`, offset, signal),
    close() {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

async function answer(request: IncomingMessage, response: ServerResponse, blob: Buffer, fault: Fault): Promise<void> {
  if (fault.status !== undefined) {
    response.writeHead(fault.status).end();
    return;
  }
  const start = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? "")?.[1] ?? 0);
  const size = fault.size ?? blob.byteLength;
  response.writeHead(start > 0 ? 206 : 200, {
    "content-length": size - start,
    ...(start > 0 ? { "content-range": `bytes ${start}-${size - 1}/${size}` } : {}),
  });
  response.flushHeaders();
  const bytes = Buffer.from(blob.subarray(start));
  if (fault.flip !== undefined && fault.flip >= start) bytes[fault.flip - start] = ~(bytes[fault.flip - start] ?? 0);
  const end = Math.min(fault.cutAfter ?? bytes.byteLength, bytes.byteLength);
  await pipeline(Readable.from(chunksOf(bytes.subarray(0, end), fault.gate)), response, { end: false }).catch(
    () => undefined,
  );
  if (fault.cutAfter === undefined) response.end();
  else response.socket?.destroySoon();
}

async function* chunksOf(bytes: Buffer, gate: (() => Promise<void>) | undefined): AsyncGenerator<Buffer> {
  for (let position = 0; position < bytes.byteLength; position += CHUNK_BYTES) {
    await gate?.();
    yield bytes.subarray(position, position + CHUNK_BYTES);
  }
}

function fetchFrom(url: string, offset: number, signal: AbortSignal): ReturnType<BlobFetcher> {
  return new Promise((resolve, reject) => {
    const headers = offset > 0 ? { range: `bytes=${offset}-` } : {};
    const request = get(url, { headers, signal, agent: false }, (response) => {
      if (response.statusCode !== 200 && response.statusCode !== 206) {
        response.resume();
        reject(new Error(`status ${response.statusCode}`));
        return;
      }
      const total = response.headers["content-range"]?.split("/")[1] ?? response.headers["content-length"];
      resolve({ size: Number(total), stream: response });
    });
    request.once("error", reject);
  });
}
