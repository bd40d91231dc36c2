import { buffer } from "node:stream/consumers";
import { describe, expect, it } from "vitest";
import { digestOf } from "../../../src/oci/digest.ts";
import { OCI_MANIFEST } from "../../../src/oci/media-types.ts";
import type { RegistryClientOptions } from "../../../src/registry/client.ts";
import { disposal } from "../../support/disposal.ts";
import { type Answerer, type HttpFixture, sendJson, startHttpFixture } from "../../support/http-fixture.ts";
import { credentialsFor, everyNameIsLoopback, upstreamClient } from "../../support/upstream-client.ts";

const closing = disposal();
const blob = Buffer.from("a blob somewhere else");
const blobDigest = digestOf(blob);
const manifest = Buffer.from('{"schemaVersion":2}');

const serveBlob: Answerer = (_request, response) => {
  response.writeHead(200, { "content-length": blob.byteLength }).end(blob);
};

function redirectTo(location: (path: string) => string, status = 307): Answerer {
  return ({ path }, response) => void response.writeHead(status, { location: location(path) }).end();
}

async function start(answer: Answerer): Promise<HttpFixture> {
  return closing(await startHttpFixture(answer));
}

function clientOf(registry: HttpFixture, options: Partial<RegistryClientOptions> = {}) {
  const client = closing(upstreamClient(options));
  return { client, repository: { host: registry.host, path: "team/app" } };
}

describe("a redirect", () => {
  it("is followed without our credentials", async () => {
    const storage = await start(serveBlob);
    const registry = await start((request, response) => {
      if (request.headers.authorization === undefined) {
        response.writeHead(401, { "www-authenticate": 'Basic realm="x"' }).end();
      } else {
        response.writeHead(307, { location: `${storage.url}/signed?X-Amz-Signature=abc` }).end();
      }
    });
    const { client, repository } = clientOf(registry, {
      credentials: credentialsFor({ [registry.host]: { username: "me", password: "secret" } }),
    });
    const { stream } = await client.blob(repository, blobDigest, { offset: 0 });
    expect((await buffer(stream)).equals(blob)).toBe(true);
    expect(storage.lines()).toEqual(["GET /signed?X-Amz-Signature=abc"]);
    expect(Object.keys(storage.requests[0]?.headers ?? {}).sort()).toEqual([
      "accept-encoding",
      "connection",
      "host",
      "user-agent",
    ]);
  });

  it("does not get the credentials back when it returns", async () => {
    const other = await start(({ path }, response) => {
      response.writeHead(307, { location: `${registry.url}/back${path}` }).end();
    });
    const registry = await start(({ path, headers }, response) => {
      if (path.startsWith("/back")) response.writeHead(200, { "content-length": blob.byteLength }).end(blob);
      else if (headers.authorization === undefined) {
        response.writeHead(401, { "www-authenticate": "Basic realm=x" }).end();
      } else response.writeHead(307, { location: `${other.url}/on` }).end();
    });
    const { client, repository } = clientOf(registry, {
      credentials: credentialsFor({ [registry.host]: { username: "me", password: "secret" } }),
    });
    const { stream } = await client.blob(repository, blobDigest, {});
    await buffer(stream);
    expect(registry.requests.at(-1)?.path).toBe("/back/on");
    expect(registry.requests.at(-1)?.headers.authorization).toBeUndefined();
    expect(other.requests[0]?.headers.authorization).toBeUndefined();
  });

  it("keeps credentials within the origin", async () => {
    const registry = await start(({ path, headers }, response) => {
      if (headers.authorization === undefined) response.writeHead(401, { "www-authenticate": "Basic realm=x" }).end();
      else if (path.startsWith("/moved")) response.writeHead(200, { "content-length": blob.byteLength }).end(blob);
      else response.writeHead(302, { location: "/moved" }).end();
    });
    const { client, repository } = clientOf(registry, {
      credentials: credentialsFor({ [registry.host]: { username: "me", password: "secret" } }),
    });
    const { stream } = await client.blob(repository, blobDigest, {});
    expect((await buffer(stream)).equals(blob)).toBe(true);
  });

  it("is followed on manifests too", async () => {
    const regional = await start((_request, response) => {
      response.writeHead(200, { "content-type": OCI_MANIFEST }).end(manifest);
    });
    const registry = await start(redirectTo((path) => `${regional.url}${path}`));
    const { client, repository } = clientOf(registry);
    expect((await client.resolve(repository, "1", {})).digest).toBe(digestOf(manifest));
    expect(regional.lines()).toEqual(["HEAD /v2/team/app/manifests/1", "GET /v2/team/app/manifests/1"]);
  });

  it("is asked for anew each time", async () => {
    const storage = await start(serveBlob);
    const registry = await start((_request, response, position) => {
      response.writeHead(307, { location: `${storage.url}/signed?n=${position}` }).end();
    });
    const { client, repository } = clientOf(registry);
    for (const _ of [1, 2]) await buffer((await client.blob(repository, blobDigest, {})).stream);
    expect(storage.lines()).toEqual(["GET /signed?n=0", "GET /signed?n=1"]);
  });

  it.each([
    ["to itself", (path: string) => path],
    ["without end", (path: string) => `${path}x`],
  ])("is given up %s after five", async (_what, location) => {
    const registry = await start(redirectTo(location, 301));
    const { client, repository } = clientOf(registry);
    await expect(client.manifest(repository, "1", {})).rejects.toMatchObject({
      status: 502,
      message: expect.stringContaining("redirects more than 5 times"),
    });
    expect(registry.requests).toHaveLength(6);
  });

  it.each(["file:///etc/passwd", "ftp://example.com/x", "javascript:1", "data:,x"])(
    "to %s is refused",
    async (location) => {
      const registry = await start(redirectTo(() => location));
      const { client, repository } = clientOf(registry);
      await expect(client.manifest(repository, "1", {})).rejects.toMatchObject({ status: 502, code: "DENIED" });
    },
  );

  it("that makes no sense is an answer like any other", async () => {
    const registry = await start(redirectTo(() => "http://"));
    const { client, repository } = clientOf(registry);
    await expect(client.manifest(repository, "1", {})).rejects.toMatchObject({ status: 307 });
  });

  it("to a token service elsewhere gets an anonymous token of that host at most", async () => {
    const elsewhere = await start((request, response) => {
      if (request.path.startsWith("/token")) sendJson(response, 200, { token: "theirs" });
      else if (request.headers.authorization === "Bearer theirs") {
        response.writeHead(200, { "content-length": blob.byteLength }).end(blob);
      } else {
        const realm = `http://${request.headers.host}/token`;
        response.writeHead(401, { "www-authenticate": `Bearer realm="${realm}",scope="repository:x:pull"` }).end();
      }
    });
    const registry = await start((request, response) => {
      if (request.headers.authorization === undefined) {
        response.writeHead(401, { "www-authenticate": "Basic realm=x" }).end();
      } else response.writeHead(307, { location: `${elsewhere.url}/v2/blob` }).end();
    });
    const { client, repository } = clientOf(registry, {
      credentials: credentialsFor({
        [registry.host]: { username: "me", password: "secret" },
        [elsewhere.host]: { username: "me", password: "other" },
      }),
    });
    const { stream } = await client.blob(repository, blobDigest, {});
    expect((await buffer(stream)).equals(blob)).toBe(true);
    expect(elsewhere.lines()).toEqual(["GET /v2/blob", "GET /token?scope=repository%3Ax%3Apull", "GET /v2/blob"]);
    expect(elsewhere.requests.map(({ headers }) => headers.authorization)).toEqual([
      undefined,
      undefined,
      "Bearer theirs",
    ]);
  });

  it("to a host that asks for a password ends there", async () => {
    const elsewhere = await start((_request, response) => {
      response.writeHead(401, { "www-authenticate": "Basic realm=x" }).end();
    });
    const registry = await start(redirectTo(() => `${elsewhere.url}/x`));
    const credential = { username: "me", password: "secret" };
    const { client, repository } = clientOf(registry, {
      credentials: credentialsFor({ [registry.host]: credential, [elsewhere.host]: credential }),
    });
    await expect(client.manifest(repository, "1", {})).rejects.toMatchObject({ status: 401 });
    expect(elsewhere.requests.map(({ headers }) => headers.authorization)).toEqual([undefined]);
  });
});

describe("an unreachable registry", () => {
  it("is named with the reason", async () => {
    const client = closing(upstreamClient({ limits: { attempts: 2 } }));
    const free = await start(serveBlob);
    await free.close();
    await expect(client.manifest({ host: free.host, path: "a" }, "1", {})).rejects.toMatchObject({
      name: "RegistryError",
      status: 502,
      code: "UNKNOWN",
      message: `could not reach registry ${free.host} for manifest ${free.host}/a:1: connect ECONNREFUSED ${free.host}`,
    });
  });

  it("that speaks no TLS is told apart", async () => {
    const registry = await start(serveBlob);
    const client = closing(upstreamClient({ lookup: everyNameIsLoopback }));
    await expect(
      client.manifest({ host: `registry.example.com:${registry.port}`, path: "a" }, "1", {}),
    ).rejects.toMatchObject({ status: 502, message: expect.stringContaining("does not speak TLS") });
  });

  it("whose name nobody knows is not asked for again", async () => {
    let lookups = 0;
    const client = closing(
      upstreamClient({
        lookup: (hostname, _options, callback) => {
          lookups++;
          callback(Object.assign(new Error(`getaddrinfo ENOTFOUND ${hostname}`), { code: "ENOTFOUND" }), []);
        },
      }),
    );
    await expect(client.manifest({ host: "nowhere.example.com", path: "a" }, "1", {})).rejects.toMatchObject({
      status: 502,
      message: expect.stringContaining("ENOTFOUND"),
    });
    expect(lookups).toBe(1);
  });

  it("that accepts and says nothing is a timeout", async () => {
    const silent = await start(() => undefined);
    const client = closing(upstreamClient({ limits: { answer: 200 } }));
    await expect(client.manifest({ host: silent.host, path: "a" }, "1", {})).rejects.toMatchObject({ status: 504 });
  });
});

describe("closing", () => {
  it("ends what is under way", async () => {
    const silent = await start(() => undefined);
    const client = upstreamClient();
    const asked = expect(client.manifest({ host: silent.host, path: "a" }, "1", {})).rejects.toMatchObject({
      code: "CANCELLED",
    });
    await expect.poll(() => silent.requests.length).toBe(1);
    await client.close();
    await asked;
  });

  it("leaves no socket behind", async () => {
    const registry = await start(serveBlob);
    const client = upstreamClient();
    await client.hasBlob({ host: registry.host, path: "a" }, blobDigest, {});
    expect(await registry.connections()).toBe(1);
    await client.close();
    await expect.poll(() => registry.connections()).toBe(0);
  });
});
