import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { isManifestType } from "../../src/oci/media-types.ts";
import type { Blob, Image } from "./image-builder.ts";

export interface FixtureRegistry {
  /** `127.0.0.1:PORT`. */
  readonly host: string;
  /** `GET shop/web/manifests/1` for each request so far. */
  readonly requests: readonly string[];
  put(repository: string, tag: string, image: Image): void;
  /** Bytes served as a manifest whatever they are. */
  putBytes(repository: string, reference: string, mediaType: string, bytes: Buffer): void;
  /** What happens to the next requests whose line matches, before they are answered. */
  disturb(line: RegExp, disturbance: Disturbance): void;
  close(): Promise<void>;
}

export interface Disturbance {
  readonly status?: number;
  /** Changes a blob on its way. */
  readonly bytes?: (bytes: Buffer) => Buffer;
  /** The connection is cut after so many bytes. */
  readonly cutAfter?: number;
  /** The answer waits for this. */
  readonly wait?: Promise<void>;
  /** How many requests; one when absent. */
  readonly times?: number;
}

/** A registry in memory that does what a test tells it, good or bad. Real ones are met in the integration tests. */
export async function startFixtureRegistry(): Promise<FixtureRegistry> {
  const contents = new Map<string, Omit<Blob, "digest">>();
  const requests: string[] = [];
  const disturbances: { line: RegExp; disturbance: Disturbance; left: number }[] = [];

  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const path = (request.url ?? "").replace(/^\/v2\//, "");
    const line = `${request.method} ${path}`;
    requests.push(line);
    const found = disturbances.find((entry) => entry.left > 0 && entry.line.test(line));
    if (found !== undefined) found.left -= 1;
    const disturbance = found?.disturbance ?? {};
    await disturbance.wait;
    const content = contents.get(path);
    if (content === undefined || disturbance.status !== undefined) {
      response.writeHead(disturbance.status ?? 404, { "content-type": "application/json" });
      response.end('{"errors":[{"code":"DENIED","message":"the fixture says no"}]}');
      return;
    }
    const bytes = disturbance.bytes?.(content.bytes) ?? content.bytes;
    const start = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? "")?.[1] ?? 0);
    response.writeHead(start > 0 ? 206 : 200, {
      "content-type": content.mediaType,
      "content-length": bytes.byteLength - start,
      ...(start > 0 ? { "content-range": `bytes ${start}-${bytes.byteLength - 1}/${bytes.byteLength}` } : {}),
    });
    if (disturbance.cutAfter === undefined) response.end(bytes.subarray(start));
    else response.write(bytes.subarray(start, start + disturbance.cutAfter), () => response.socket?.destroySoon());
  };

  const server = createServer((request, response) => void answer(request, response));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  return {
    host: `127.0.0.1:${address.port}`,
    requests,
    put(repository, tag, image) {
      for (const { mediaType, digest, bytes } of image.blobs) {
        const kind = isManifestType(mediaType) ? "manifests" : "blobs";
        const served = kind === "blobs" ? "application/octet-stream" : mediaType;
        contents.set(`${repository}/${kind}/${digest}`, { mediaType: served, bytes });
      }
      contents.set(`${repository}/manifests/${tag}`, image.root);
    },
    putBytes(repository, reference, mediaType, bytes) {
      contents.set(`${repository}/manifests/${reference}`, { mediaType, bytes });
    },
    disturb(line, disturbance) {
      disturbances.push({ line, disturbance, left: disturbance.times ?? 1 });
    },
    close() {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}
