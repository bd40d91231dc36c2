import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { digestOf } from "../../src/oci/digest.ts";

/** What becomes of an upload that was cut. */
export type CutUpload =
  /** The state says how far it has come, as distribution 3 does. */
  | "told"
  /** The state is asked for in vain, and the upload thrown away, as distribution 2.8 does. */
  | "thrown away"
  /** The state says how far it has come, but the rest is refused, as by registries with rules of their own for chunks. */
  | "rest refused"
  /** The state lies: the bytes that it counts are others. */
  | "garbled";

export interface UploadRegistry {
  /** `127.0.0.1:PORT`. */
  readonly host: string;
  /** `METHOD path` of each request, without query and upload's name; a PUT or PATCH with the bytes that came. */
  readonly requests: readonly string[];
  /** Whole blobs by digest, in all repositories. */
  readonly blobs: ReadonlyMap<string, Buffer>;
  /** The next PUTs are cut after so many bytes each. */
  cutAfter(...bytes: number[]): void;
  close(): Promise<void>;
}

/** A registry in memory that takes blobs and breaks off where a test wants it, keeping what it got until then. */
export async function startUploadRegistry(cut: CutUpload = "told"): Promise<UploadRegistry> {
  const requests: string[] = [];
  const blobs = new Map<string, Buffer>();
  const uploads = new Map<string, Buffer>();
  const cuts: number[] = [];
  let opened = 0;

  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const url = new URL(request.url ?? "/", "http://registry");
    const [, upload] = /\/blobs\/uploads\/(\d+)$/.exec(url.pathname) ?? [];
    const line = `${request.method} ${url.pathname.replace(/^\/v2\/|\d+$/g, "").replace(/sha256:.*$/, "DIGEST")}`;
    const reply = (status: number, headers: Record<string, string> = {}, body = ""): void => {
      if (request.method !== "PUT") requests.push(`${line} ${status}`);
      response.writeHead(status, headers).end(body);
    };
    const refuse = (status: number, code: string): void =>
      reply(status, { "content-type": "application/json" }, JSON.stringify({ errors: [{ code, message: code }] }));
    const held = upload === undefined ? undefined : uploads.get(upload);

    if (request.method === "HEAD") return reply(blobs.has(url.pathname.split("/").at(-1) ?? "") ? 200 : 404);
    if (request.method === "POST") {
      opened += 1;
      uploads.set(String(opened), Buffer.alloc(0));
      return reply(202, { location: `${url.pathname}${opened}?state=0` });
    }
    if (upload === undefined || held === undefined) return refuse(404, "BLOB_UPLOAD_UNKNOWN");
    if (request.method === "GET") {
      if (cut !== "thrown away") {
        const last = Math.max(0, held.byteLength - 1);
        return reply(204, { location: `${url.pathname}?state=${held.byteLength}`, range: `0-${last}` });
      }
      uploads.delete(upload);
      return refuse(404, "BLOB_UPLOAD_INVALID");
    }
    if (request.method !== "PUT") return refuse(405, "UNSUPPORTED");
    const range = request.headers["content-range"] ?? "";
    const start = Number(/^(\d+)-\d+$/.exec(range)?.[1] ?? held.byteLength);
    const isStale = Number(url.searchParams.get("state")) !== held.byteLength || start !== held.byteLength;
    if (isStale || (cut === "rest refused" && held.byteLength > 0)) {
      requests.push(`${line} 416`);
      return refuse(416, "RANGE_INVALID");
    }
    const limit = cuts.shift();
    const received = await read(request, limit ?? Number.POSITIVE_INFINITY);
    const came = `${line} ${received.byteLength} bytes`;
    const whole = Buffer.concat([held, received]);
    if (limit !== undefined) {
      requests.push(`${came}, cut`);
      uploads.set(upload, cut === "garbled" ? Buffer.alloc(whole.byteLength) : whole);
      request.socket.resetAndDestroy();
      return;
    }
    uploads.delete(upload);
    const digest = url.searchParams.get("digest") ?? "";
    requests.push(`${came}${range === "" ? "" : ` at ${start}`}`);
    if (digestOf(whole) !== digest) return refuse(400, "DIGEST_INVALID");
    blobs.set(digest, whole);
    reply(201);
  };

  const server = createServer((request, response) => void answer(request, response));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  return {
    host: `127.0.0.1:${address.port}`,
    requests,
    blobs,
    cutAfter: (...bytes) => void cuts.push(...bytes),
    close() {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

async function read(request: IncomingMessage, limit: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request.iterator({ destroyOnReturn: false })) {
    chunks.push(chunk.subarray(0, limit - size));
    size += chunk.byteLength;
    if (size >= limit) break;
  }
  return Buffer.concat(chunks);
}
