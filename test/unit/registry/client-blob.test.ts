import { type AddressInfo, createServer } from "node:net";
import { buffer } from "node:stream/consumers";
import { gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { digestOf } from "../../../src/oci/digest.ts";
import { OCI_MANIFEST } from "../../../src/oci/media-types.ts";
import { disposal } from "../../support/disposal.ts";
import { type Answerer, sendJson, startHttpFixture } from "../../support/http-fixture.ts";
import { upstreamClient } from "../../support/upstream-client.ts";

const closing = disposal();
const manifest = Buffer.from('{ "schemaVersion": 2,\n  "spaces": "stay as they are" }');
const digest = digestOf(manifest);
const blob = Buffer.from("0123456789".repeat(5_000));
const blobDigest = digestOf(blob);

async function start(answer: Answerer) {
  const registry = closing(await startHttpFixture(answer));
  const client = closing(upstreamClient());
  return { registry, client, repository: { host: registry.host, path: "team/app" } };
}

const manifestHeaders = {
  "content-type": `${OCI_MANIFEST}; charset=utf-8`,
  "content-length": String(manifest.byteLength),
  "docker-content-digest": digest,
};

describe("blob", () => {
  const serve: Answerer = (request, response) => {
    const start = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? "")?.[1] ?? 0);
    response.writeHead(start > 0 ? 206 : 200, {
      "content-length": blob.byteLength - start,
      ...(start > 0 ? { "content-range": `bytes ${start}-${blob.byteLength - 1}/${blob.byteLength}` } : {}),
    });
    response.end(blob.subarray(start));
  };

  it("streams the whole", async () => {
    const { registry, client, repository } = await start(serve);
    const { size, stream } = await client.blob(repository, blobDigest, {});
    expect(size).toBe(blob.byteLength);
    expect((await buffer(stream)).equals(blob)).toBe(true);
    expect(registry.requests[0]?.headers.range).toBeUndefined();
  });

  it("takes a manifest's word for the size when the registry tells none", async () => {
    const { registry, client, repository } = await start((_request, response) => {
      response.writeHead(200);
      response.write(blob.subarray(0, 1));
      response.end(blob.subarray(1));
    });
    const { size, stream } = await client.blob(repository, blobDigest, { size: blob.byteLength });
    expect(size).toBe(blob.byteLength);
    expect((await buffer(stream)).equals(blob)).toBe(true);
    expect(registry.requests).toHaveLength(1);
    await expect(client.blob(repository, blobDigest, {})).rejects.toMatchObject({
      status: 502,
      code: "SIZE_INVALID",
      message: expect.stringContaining("does not tell the size"),
    });
  });

  it("goes on from an offset", async () => {
    const { registry, client, repository } = await start(serve);
    const { size, stream } = await client.blob(repository, blobDigest, { offset: 49_990 });
    expect(size).toBe(blob.byteLength);
    expect((await buffer(stream)).toString()).toBe("0123456789");
    expect(registry.requests[0]?.headers.range).toBe("bytes=49990-");
  });

  it("skips what it has when the range is ignored", async () => {
    const { client, repository } = await start((_request, response) => {
      response.writeHead(200, { "content-length": blob.byteLength }).end(blob);
    });
    const { size, stream } = await client.blob(repository, blobDigest, { offset: 49_995 });
    expect(size).toBe(blob.byteLength);
    expect((await buffer(stream)).toString()).toBe("56789");
  });

  it.each([
    ["from elsewhere", "bytes 0-49999/50000", 10],
    ["from one byte later", "bytes 11-49999/50000", 10],
    ["without a range", undefined, 10],
    ["of another unit", "lines 10-49999/50000", 10],
    ["nobody asked for", "bytes 0-49999/50000", 0],
  ])("refuses a part %s", async (_what, range, offset) => {
    const { client, repository } = await start((_request, response) => {
      response.writeHead(206, range === undefined ? {} : { "content-range": range }).end(blob);
    });
    await expect(client.blob(repository, blobDigest, { offset })).rejects.toMatchObject({
      status: 502,
      message: expect.stringContaining("another range"),
    });
  });

  it("undoes an encoding and asks for the size apart", async () => {
    const { client, repository } = await start((request, response) => {
      if (request.method === "HEAD") response.writeHead(200, { "content-length": blob.byteLength }).end();
      else response.writeHead(200, { "content-encoding": "gzip" }).end(gzipSync(blob));
    });
    const { size, stream } = await client.blob(repository, blobDigest, { offset: 49_999 });
    expect(size).toBe(blob.byteLength);
    expect((await buffer(stream)).toString()).toBe("9");
  });

  it("fails where nothing tells the size", async () => {
    const { client, repository } = await start((_request, response) => {
      response.writeHead(200, { "transfer-encoding": "chunked" });
      response.end(blob);
    });
    await expect(client.blob(repository, blobDigest, {})).rejects.toMatchObject({
      status: 502,
      code: "SIZE_INVALID",
    });
  });

  it("ends its stream with an error when bytes are missing", async () => {
    const { client, repository } = await start((_request, response) => {
      response.writeHead(200, { "content-length": blob.byteLength });
      response.write(blob.subarray(0, 1000), () => response.socket?.end());
    });
    const { stream } = await client.blob(repository, blobDigest, {});
    await expect(buffer(stream)).rejects.toThrow();
  });

  it("ends its stream when nothing comes any more", async () => {
    const registry = closing(
      await startHttpFixture((_request, response) => {
        response.writeHead(200, { "content-length": blob.byteLength });
        response.write(blob.subarray(0, 1000));
      }),
    );
    const client = closing(upstreamClient({ limits: { idle: 200 } }));
    const { stream } = await client.blob({ host: registry.host, path: "a" }, blobDigest, {});
    await expect(buffer(stream)).rejects.toMatchObject({ code: "UND_ERR_BODY_TIMEOUT" });
  });

  it("lets a slow reader take longer than an answer may", async () => {
    const registry = closing(
      await startHttpFixture((_request, response) => {
        response.writeHead(200, { "content-length": 5 });
        let sent = 0;
        const timer = setInterval(() => {
          response.write("x");
          if (++sent === 5) clearInterval(timer);
        }, 80);
      }),
    );
    const client = closing(upstreamClient({ limits: { answer: 150 } }));
    const { stream } = await client.blob({ host: registry.host, path: "a" }, blobDigest, {});
    expect((await buffer(stream)).toString()).toBe("xxxxx");
  });

  it("stops its stream when its caller goes away", async () => {
    const { client, repository } = await start((_request, response) => {
      response.writeHead(200, { "content-length": blob.byteLength });
      response.write(blob.subarray(0, 1000));
    });
    const caller = new AbortController();
    const { stream } = await client.blob(repository, blobDigest, { signal: caller.signal });
    const read = buffer(stream);
    caller.abort(new Error("gone"));
    await expect(read).rejects.toThrow("gone");
  });

  it("does not keep manifests waiting behind slow blobs", async () => {
    const { client, repository } = await start((request, response) => {
      if (request.path.includes("/manifests/")) response.writeHead(200, manifestHeaders).end(manifest);
      else {
        response.writeHead(200, { "content-length": blob.byteLength });
        response.write(blob.subarray(0, 10));
      }
    });
    const blobs = await Promise.all(Array.from({ length: 12 }, () => client.blob(repository, blobDigest, {})));
    expect((await client.manifest(repository, "1.0", {})).digest).toBe(digest);
    for (const { stream } of blobs) stream.on("error", () => undefined).destroy();
  });
});

describe("a connection", () => {
  it("is kept for the next request, after HEAD too", async () => {
    const { registry, client, repository } = await start((_request, response) => {
      response.writeHead(200, { "content-length": 50_000 }).end();
    });
    for (let asked = 0; asked < 20; asked++) await client.hasBlob(repository, blobDigest, {});
    // A second one may be opened while the first is being put away.
    expect(new Set(registry.requests.map(({ clientPort }) => clientPort)).size).toBeLessThanOrEqual(2);
  });

  it("on which a body follows a HEAD is not used again", async () => {
    const poison = "HTTP/1.1 200 OK\r\ncontent-length: 666\r\n\r\n";
    const server = createServer((socket) => {
      socket.on("error", () => undefined);
      socket.on("data", () => socket.write(`HTTP/1.1 200 OK\r\ncontent-length: ${poison.length}\r\n\r\n${poison}`));
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    closing({ close: () => new Promise((resolve) => server.close(() => resolve())) });
    const client = closing(upstreamClient());
    const repository = { host: `127.0.0.1:${(server.address() as AddressInfo).port}`, path: "a" };
    for (const _ of [1, 2, 3]) {
      expect(await client.hasBlob(repository, blobDigest, {})).toEqual({ size: poison.length });
    }
  });
});

describe("hasBlob", () => {
  it("tells the size", async () => {
    const { registry, client, repository } = await start((_request, response) => {
      response.writeHead(200, { "content-length": 50_000 }).end();
    });
    expect(await client.hasBlob(repository, blobDigest, {})).toEqual({ size: 50_000 });
    expect(registry.lines()).toEqual([`HEAD /v2/team/app/blobs/${blobDigest}`]);
  });

  it("is undefined for what is not there", async () => {
    const { client, repository } = await start((_request, response) => void response.writeHead(404).end());
    expect(await client.hasBlob(repository, blobDigest, {})).toBeUndefined();
  });

  it("asks storage that signs for GET alone for one byte", async () => {
    const storage = closing(
      await startHttpFixture((request, response) => {
        if (request.method === "HEAD") response.writeHead(403).end();
        else response.writeHead(206, { "content-range": "bytes 0-0/50000" }).end("0");
      }),
    );
    const { client, repository } = await start((_request, response) => {
      response.writeHead(307, { location: `${storage.url}/signed?sig=x` }).end();
    });
    expect(await client.hasBlob(repository, blobDigest, {})).toEqual({ size: 50_000 });
    expect(storage.requests.map(({ headers }) => headers.range)).toEqual([undefined, "bytes=0-0"]);
  });

  it("repeats why it may not look", async () => {
    const { client, repository } = await start((request, response) => {
      if (request.method === "HEAD") response.writeHead(403).end();
      else sendJson(response, 403, { errors: [{ code: "DENIED", message: "not yours" }] });
    });
    await expect(client.hasBlob(repository, blobDigest, {})).rejects.toMatchObject({
      status: 403,
      code: "DENIED",
      detail: "not yours",
    });
  });
});
