import { randomBytes } from "node:crypto";
import { type IncomingHttpHeaders, request } from "node:http";
import { connect } from "node:net";
import { buffer } from "node:stream/consumers";
import { beforeEach, describe, expect, test } from "vitest";
import { digestOf } from "../../../src/oci/digest.ts";
import { OCI_MANIFEST } from "../../../src/oci/media-types.ts";
import { createCachingProxy } from "../../../src/registry/caching-proxy.ts";
import { type RegistryServer, type RegistryServerOptions, startRegistryServer } from "../../../src/registry/server.ts";
import type { PullEvent } from "../../../src/registry/types.ts";
import { openStore } from "../../../src/store/store.ts";
import { disposal } from "../../support/disposal.ts";
import { type FixtureRegistry, startFixtureRegistry } from "../../support/fixture-registry.ts";
import { buildImage, buildLayer, type Image } from "../../support/image-builder.ts";
import { plainUpstream } from "../../support/plain-upstream.ts";
import { temporaryDirectories } from "../../support/temporary-directory.ts";

const closing = disposal();
const temporaryDirectory = temporaryDirectories();
const accessHeader = { name: "x-kubefile-run", value: "the run's own secret" };

let registry: FixtureRegistry;
let server: RegistryServer;
let image: Image;
let events: PullEvent[];

beforeEach(async () => {
  registry = closing(await startFixtureRegistry());
  const layer = await buildLayer([{ path: "data", content: randomBytes(1_000_000) }], { compressed: false });
  image = buildImage({ format: "oci", layers: [layer], entrypoint: ["/data"] });
  registry.put("shop/web", "1", image);
  events = [];
  server = await start({});
});

async function start(options: Partial<RegistryServerOptions>): Promise<RegistryServer> {
  const store = closing(await openStore(await temporaryDirectory()));
  const source = createCachingProxy({ store, upstream: plainUpstream({ "registry.example": registry.host }) });
  return closing(
    await startRegistryServer({
      host: "127.0.0.1",
      source,
      accessHeader,
      onEvent: (event) => events.push(event),
      ...options,
    }),
  );
}

interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

async function ask(
  path: string,
  { method = "GET", headers = {}, body }: { method?: string; headers?: Record<string, string>; body?: string } = {},
): Promise<Answer> {
  const allHeaders = { [accessHeader.name]: accessHeader.value, ...headers };
  return new Promise((resolve, reject) => {
    const sent = request(`${server.url}${path}`, { method, headers: allHeaders, agent: false }, (response) => {
      buffer(response).then(
        (bytes) => resolve({ status: response.statusCode ?? 0, headers: response.headers, body: bytes }),
        reject,
      );
    });
    sent.once("error", reject);
    sent.end(body);
  });
}

/** Sends bytes as they are and returns everything that comes back until the server closes. */
function raw(text: string): Promise<string> {
  return new Promise((resolve) => {
    let received = "";
    const socket = connect(server.port, "127.0.0.1", () => socket.write(text));
    socket.on("data", (chunk) => {
      received += chunk.toString("latin1");
    });
    socket.on("error", () => undefined);
    socket.on("close", () => resolve(received));
  });
}

const secretLine = `${accessHeader.name}: ${accessHeader.value}\r\n`;
const ns = "ns=registry.example";
const layerOf = ({ blobs }: Image): { digest: string; bytes: Buffer } => {
  const [layer] = blobs;
  if (layer === undefined) throw new Error("no layer");
  return layer;
};

describe("answers", () => {
  test("a manifest by tag and by digest, with what clients need to know", async () => {
    for (const reference of ["1", image.root.digest]) {
      const { status, headers, body } = await ask(`/v2/shop/web/manifests/${reference}?${ns}`);
      expect(status).toBe(200);
      expect(body.equals(image.root.bytes)).toBe(true);
      expect(headers).toMatchObject({
        "content-type": OCI_MANIFEST,
        "content-length": String(image.root.bytes.byteLength),
        "docker-content-digest": image.root.digest,
        "oci-namespace": "registry.example",
      });
      expect(headers).not.toHaveProperty("content-encoding");
    }
  });

  test("HEAD says what GET says, without the bytes", async () => {
    await ask(`/v2/shop/web/manifests/1?${ns}`);
    for (const path of [`manifests/1`, `blobs/${layerOf(image).digest}`]) {
      const { date: _, ...got } = (await ask(`/v2/shop/web/${path}?${ns}`)).headers;
      const { date: __, ...head } = (await ask(`/v2/shop/web/${path}?${ns}`, { method: "HEAD" })).headers;
      expect(head).toEqual(got);
    }
  });

  test("a manifest is in the store before its HEAD is answered", async () => {
    await ask(`/v2/shop/web/manifests/1?${ns}`, { method: "HEAD" });
    registry.disturb(/./, { status: 500, times: 100 });
    expect((await ask(`/v2/shop/web/manifests/${image.root.digest}?${ns}`)).body.equals(image.root.bytes)).toBe(true);
  });

  test("a blob, by fifty clients at once, out of one download", async () => {
    const { digest, bytes } = layerOf(image);
    await ask(`/v2/shop/web/manifests/1?${ns}`);
    const answers = await Promise.all(Array.from({ length: 50 }, () => ask(`/v2/shop/web/blobs/${digest}?${ns}`)));
    for (const { status, headers, body } of answers) {
      expect(status).toBe(200);
      expect(headers).toMatchObject({ "docker-content-digest": digest, "accept-ranges": "bytes" });
      expect(body.equals(bytes)).toBe(true);
    }
    expect(registry.requests.filter((line) => line === `GET shop/web/blobs/${digest}`)).toHaveLength(1);
  });

  test.each([
    ["bytes=0-0", 206, 0, 1],
    ["bytes=500-1499", 206, 500, 1_500],
    ["bytes=900000-", 206, 900_000, undefined],
    ["bytes=-500", 206, -500, undefined],
    ["bytes=0-9999999", 200, 0, undefined],
    ["bytes=0-1,3-4", 200, 0, undefined],
    ["pages=1-2", 200, 0, undefined],
  ])("Range: %s", async (range, expected, start, end) => {
    const { digest, bytes } = layerOf(image);
    const { status, headers, body } = await ask(`/v2/shop/web/blobs/${digest}?${ns}`, { headers: { range } });
    const part = bytes.subarray(start, end);
    expect(status).toBe(expected);
    expect(body.equals(part)).toBe(true);
    const first = bytes.byteLength - bytes.subarray(start).byteLength;
    expect(headers["content-range"]).toBe(
      expected === 206 ? `bytes ${first}-${first + part.byteLength - 1}/${bytes.byteLength}` : undefined,
    );
  });

  test("Range with If-Range holds for this content only", async () => {
    const { digest } = layerOf(image);
    const path = `/v2/shop/web/blobs/${digest}?${ns}`;
    const range = "bytes=0-9";
    expect((await ask(path, { headers: { range, "if-range": `"${digest}"` } })).status).toBe(206);
    expect((await ask(path, { headers: { range, "if-range": '"other"' } })).status).toBe(200);
  });
});

describe("refusals", () => {
  const unknown = digestOf("unknown");
  test.each([
    ["a tag that is not there", `/v2/shop/web/manifests/2?${ns}`, {}, 404, "UNKNOWN"],
    ["a blob that is not there", `/v2/shop/web/blobs/${unknown}?${ns}`, {}, 404, "BLOB_UNKNOWN"],
    ["no ns", "/v2/shop/web/manifests/1", {}, 400, "NAME_INVALID"],
    ["a hostile ns", "/v2/shop/web/manifests/1?ns=a@b", {}, 400, "NAME_INVALID"],
    ["a hostile digest", `/v2/shop/web/blobs/sha256:..%2f..%2fx?${ns}`, {}, 400, "DIGEST_INVALID"],
    ["referrers", `/v2/shop/web/referrers/${unknown}?${ns}`, {}, 404, "UNSUPPORTED"],
    ["a push", `/v2/shop/web/blobs/uploads/?${ns}`, { method: "POST" }, 405, "UNSUPPORTED"],
    ["a deletion", `/v2/shop/web/manifests/1?${ns}`, { method: "DELETE" }, 405, "UNSUPPORTED"],
    ["a body", `/v2/shop/web/manifests/1?${ns}`, { body: "x", headers: { "content-length": "1" } }, 400, "UNSUPPORTED"],
    ["an unknown path", "/token", {}, 404, "UNSUPPORTED"],
    ["no access header", "/v2/", { headers: { "x-kubefile-run": "" } }, 403, "DENIED"],
    ["a wrong one", "/v2/", { headers: { "x-kubefile-run": "the run's own secreT" } }, 403, "DENIED"],
    ["a wrong one on any path", "/t/nonce", { headers: { "x-kubefile-run": "x" } }, 403, "DENIED"],
  ])("%s", async (_name, path, options, expectedStatus, code) => {
    const { status, headers, body } = await ask(path, options);
    expect(status).toBe(expectedStatus);
    expect(headers["content-type"]).toBe("application/json; charset=utf-8");
    expect(JSON.parse(body.toString())).toEqual({
      errors: [expect.objectContaining({ code, message: expect.any(String) })],
    });
    expect(body.toString()).not.toContain(accessHeader.value);
  });

  test("an unreadable range names the size", async () => {
    const { digest, bytes } = layerOf(image);
    const answer = await ask(`/v2/shop/web/blobs/${digest}?${ns}`, { headers: { range: "bytes=5000000-" } });
    expect(answer.status).toBe(416);
    expect(answer.headers["content-range"]).toBe(`bytes */${bytes.byteLength}`);
  });

  test.each([
    [401, 403],
    [403, 403],
    [404, 404],
    [408, 502],
    [429, 502],
    [500, 502],
    [503, 502],
    [504, 502],
  ])("what an upstream says with %i is final at %i, in its words", async (upstream, expected) => {
    registry.disturb(/manifests\/1$/, { status: upstream });
    const { status, body } = await ask(`/v2/shop/web/manifests/1?${ns}`);
    expect(status).toBe(expected);
    expect(JSON.parse(body.toString()).errors[0]).toMatchObject({
      message: expect.stringContaining(`registry.example answered ${upstream}`),
      detail: "the registry's own words",
    });
  });

  test("nothing is asked of an upstream for a request that is refused at the door", async () => {
    await ask("/v2/shop/web/manifests/1?ns=registry.example/../x");
    await ask(`/v2/shop/web/blobs/sha256:abc?${ns}`);
    await ask(`/v2/shop/web/manifests/1?${ns}`, { method: "PUT" });
    await ask(`/v2/shop/web/manifests/1?${ns}`, { headers: { [accessHeader.name]: "guess" } });
    expect(registry.requests).toEqual([]);
    await ask(`/v2/shop/web/manifests/1?${ns}`);
    expect(registry.requests).not.toEqual([]);
  });

  test("an upstream that takes too long ends in an answer, not in the node's timeout", async () => {
    server = await start({ limits: { answer: 20 } });
    let release = (): void => undefined;
    registry.disturb(/manifests\/1$/, { wait: new Promise((resolve) => (release = () => resolve(undefined))) });
    expect((await ask(`/v2/shop/web/manifests/1?${ns}`)).status).toBe(502);
    release();
  });

  test("a server that other machines reach needs an access header", async () => {
    const store = closing(await openStore(await temporaryDirectory()));
    const source = createCachingProxy({ store, upstream: plainUpstream() });
    await expect(startRegistryServer({ host: "0.0.0.0", source })).rejects.toThrow("needs an access header");
  });

  test("an address that cannot be bound is named", async () => {
    await expect(start({ port: server.port })).rejects.toMatchObject({
      code: "PROXY_UNREACHABLE",
      message: expect.stringContaining(`127.0.0.1:${server.port}`),
    });
  });
});

describe("hostile connections", () => {
  test.each([
    ["CONNECT", "CONNECT 169.254.169.254:80 HTTP/1.1\r\nhost: x\r\n\r\n", "405"],
    ["an absolute target", `GET http://169.254.169.254/v2/ HTTP/1.1\r\nhost: x\r\n${secretLine}\r\n`, "400"],
    [
      "two lengths",
      `GET /v2/ HTTP/1.1\r\nhost: x\r\n${secretLine}content-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n`,
      "400",
    ],
    ["a folded header", `GET /v2/ HTTP/1.1\r\nhost: x\r\n${secretLine}a: b\r\n c\r\nconnection: close\r\n\r\n`, "400"],
    ["a flood of headers", `GET /v2/ HTTP/1.1\r\nhost: x\r\na: ${"b".repeat(64 * 1024)}\r\n\r\n`, "431"],
    ["no HTTP", "\x16\x03\x01\x02\x00\x01\x00", "400"],
  ])("%s", async (_name, text, status) => {
    expect(await raw(text)).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
  });
});

describe("a source that fails half way", () => {
  /** How the connection ended, as a client sees it: by reset, by an early end, or in order. */
  function outcomeOf(path: string): Promise<{ received: number; outcome: "reset" | "early end" | "whole" }> {
    return new Promise((resolve) => {
      const socket = connect(server.port, "127.0.0.1", () => {
        socket.write(`GET ${path} HTTP/1.1\r\nhost: x\r\n${secretLine}connection: close\r\n\r\n`);
      });
      const chunks: Buffer[] = [];
      let isReset = false;
      socket.on("data", (chunk) => chunks.push(chunk));
      socket.on("error", (error: NodeJS.ErrnoException) => {
        isReset = error.code === "ECONNRESET";
      });
      socket.on("close", () => {
        const answer = Buffer.concat(chunks).toString("latin1");
        const received = answer.length - (answer.indexOf("\r\n\r\n") + 4);
        const promised = Number(/content-length: (\d+)/.exec(answer)?.[1]);
        resolve({ received, outcome: isReset ? "reset" : received < promised ? "early end" : "whole" });
      });
    });
  }

  test("a cut that bytes may be added to later is a plain end; the client goes on by Range", async () => {
    const { digest, bytes } = layerOf(image);
    await ask(`/v2/shop/web/manifests/1?${ns}`);
    // Too short for its length, and every further try is refused.
    registry.disturb(/blobs/, { cutAfter: 600_000 });
    registry.disturb(/blobs/, { status: 503 });
    const first = await outcomeOf(`/v2/shop/web/blobs/${digest}?${ns}`);
    expect(first.outcome).toBe("early end");
    const rest = await ask(`/v2/shop/web/blobs/${digest}?${ns}`, { headers: { range: `bytes=${first.received}-` } });
    expect(rest.body.equals(bytes.subarray(first.received))).toBe(true);
    expect(events.map(({ error }) => error)).toContainEqual(expect.stringContaining("answered 503"));
  });

  test("wrong bytes end in a reset and never in a whole answer", async () => {
    const { digest, bytes } = layerOf(image);
    await ask(`/v2/shop/web/manifests/1?${ns}`);
    registry.disturb(/blobs/, { bytes: (right) => Buffer.concat([right.subarray(0, -1), Buffer.from("?")]) });
    const { received, outcome } = await outcomeOf(`/v2/shop/web/blobs/${digest}?${ns}`);
    expect(outcome).toBe("reset");
    expect(received).toBeLessThan(bytes.byteLength);
    expect(digestOf((await ask(`/v2/shop/web/blobs/${digest}?${ns}`)).body)).toBe(digest);
  });

  test("a small blob with wrong bytes is an error before anything was sent", async () => {
    const [, config] = image.blobs;
    await ask(`/v2/shop/web/manifests/1?${ns}`);
    registry.disturb(/blobs/, { bytes: (right) => Buffer.concat([right.subarray(0, -1), Buffer.from("?")]) });
    const { status, body } = await ask(`/v2/shop/web/blobs/${config?.digest}?${ns}`);
    expect(status).toBe(502);
    expect(JSON.parse(body.toString()).errors[0].message).toContain("have the digest");
  });
});

test("each request is told of once, with what it was about", async () => {
  const { digest, bytes } = layerOf(image);
  await ask(`/v2/shop/web/manifests/1?${ns}`, { method: "HEAD" });
  await ask(`/v2/shop/web/manifests/${image.root.digest}?${ns}`);
  await ask(`/v2/shop/web/blobs/${digest}?${ns}`, { headers: { range: "bytes=0-9" } });
  await ask(`/v2/shop/web/blobs/${digestOf("x")}?${ns}`);
  await ask("/v2/", { headers: { [accessHeader.name]: "" } });
  const repository = { host: "registry.example", path: "shop/web" };
  const manifest = { kind: "manifest", repository, digest: image.root.digest, mediaType: OCI_MANIFEST, status: 200 };
  expect(events).toEqual([
    expect.objectContaining({ ...manifest, method: "HEAD", reference: "1", bytes: 0, client: "127.0.0.1" }),
    expect.objectContaining({ ...manifest, reference: image.root.digest, bytes: image.root.bytes.byteLength }),
    expect.objectContaining({ kind: "blob", repository, digest, status: 206, bytes: 10 }),
    expect.objectContaining({ kind: "blob", repository, status: 404, error: expect.stringContaining("has no blob") }),
    expect.objectContaining({ kind: "other", status: 403 }),
  ]);
  expect(bytes.byteLength).toBeGreaterThan(10);
});

test("closing ends connections in use", async () => {
  registry.disturb(/manifests\/1$/, { wait: new Promise(() => undefined) });
  const hanging = ask(`/v2/shop/web/manifests/1?${ns}`).catch((error: Error) => error);
  await expect.poll(() => registry.requests.length).toBe(1);
  await server.close();
  expect(await hanging).toBeInstanceOf(Error);
});
