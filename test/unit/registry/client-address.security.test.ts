import { buffer } from "node:stream/consumers";
import { describe, expect, it } from "vitest";
import { digestOf } from "../../../src/oci/digest.ts";
import { OCI_MANIFEST } from "../../../src/oci/media-types.ts";
import type { RegistryClientOptions } from "../../../src/registry/client.ts";
import { disposal } from "../../support/disposal.ts";
import { type Answerer, type HttpFixture, startHttpFixture } from "../../support/http-fixture.ts";
import { everyNameIsLoopback, upstreamClient } from "../../support/upstream-client.ts";

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

describe("a private address", () => {
  /** Sees every connection, also those that send nothing. */
  async function startDecoy() {
    const decoy = await start((_request, response) => void response.writeHead(200).end(blob));
    return { decoy, untouched: () => expect(decoy.requests).toEqual([]) };
  }

  it("is not dialled for a registry nobody named", async () => {
    const { decoy, untouched } = await startDecoy();
    const client = closing(upstreamClient({ trustedHosts: () => false }));
    for (const host of [decoy.host, `localhost:${decoy.port}`, `0x7f.1:${decoy.port}`, `2130706433:${decoy.port}`]) {
      await expect(client.manifest({ host, path: "a" }, "1", {})).rejects.toMatchObject({
        status: 403,
        code: "DENIED",
        message: expect.stringContaining("not a public address"),
      });
    }
    untouched();
  });

  it("is not dialled behind a public name", async () => {
    const { decoy, untouched } = await startDecoy();
    const client = closing(upstreamClient({ trustedHosts: () => false, lookup: everyNameIsLoopback }));
    await expect(
      client.manifest({ host: `registry.example.com:${decoy.port}`, path: "a" }, "1", {}),
    ).rejects.toMatchObject({ status: 403, code: "DENIED", message: expect.stringContaining("127.0.0.1") });
    untouched();
  });

  it("is not dialled when it appears at the second look-up only", async () => {
    const { decoy, untouched } = await startDecoy();
    let lookups = 0;
    const client = closing(
      upstreamClient({
        trustedHosts: () => false,
        limits: { connect: 50, attempts: 3 },
        lookup: (_hostname, options, callback) => {
          // The first answer is from a block of public addresses that nobody has been given.
          const address = ++lookups === 1 ? "3abc::1" : "127.0.0.1";
          const family = lookups === 1 ? 6 : 4;
          if (options.all === true) callback(null, [{ address, family }]);
          else callback(null, address, family);
        },
      }),
    );
    const host = `registry.example.com:${decoy.port}`;
    await expect(client.manifest({ host, path: "a" }, "1", {})).rejects.toMatchObject({ name: "RegistryError" });
    await expect(client.manifest({ host, path: "a" }, "1", {})).rejects.toMatchObject({ status: 403 });
    untouched();
  });

  it("is dropped from a name that has a public one beside it", async () => {
    const { decoy, untouched } = await startDecoy();
    const client = closing(
      upstreamClient({
        trustedHosts: () => false,
        limits: { connect: 100, attempts: 1 },
        lookup: (_hostname, _options, callback) =>
          callback(null, [
            { address: "127.0.0.1", family: 4 },
            { address: "3abc::1", family: 6 },
          ]),
      }),
    );
    await expect(
      client.manifest({ host: `registry.example.com:${decoy.port}`, path: "a" }, "1", {}),
    ).rejects.toMatchObject({ name: "RegistryError" });
    untouched();
  });

  it("is not dialled for a redirect of a named registry to another site", async () => {
    const { decoy, untouched } = await startDecoy();
    const registry = await start(redirectTo(() => `http://metadata.evil.net:${decoy.port}/latest`));
    const { client, repository } = clientOf(registry, {
      trustedHosts: (host) => host === registry.host,
      lookup: everyNameIsLoopback,
    });
    await expect(client.manifest(repository, "1", {})).rejects.toMatchObject({ status: 403, code: "DENIED" });
    untouched();
  });

  it.each([
    "http://169.254.169.254/latest/meta-data",
    "http://[::ffff:10.0.0.1]/",
    "http://[fd00:ec2::254]/",
    "http://0/",
  ])("is not dialled for a redirect to %s", async (location) => {
    const registry = await start(redirectTo(() => location));
    const { client, repository } = clientOf(registry, { trustedHosts: (host) => host === registry.host });
    await expect(client.manifest(repository, "1", {})).rejects.toMatchObject({ status: 403, code: "DENIED" });
  });

  it("is not dialled for a token service of another site", async () => {
    const { decoy, untouched } = await startDecoy();
    const registry = await start((_request, response) => {
      const realm = `http://metadata.evil.net:${decoy.port}/token`;
      response.writeHead(401, { "www-authenticate": `Bearer realm="${realm}"` }).end();
    });
    const { client, repository } = clientOf(registry, {
      trustedHosts: (host) => host === registry.host,
      lookup: everyNameIsLoopback,
    });
    await expect(client.manifest(repository, "1", {})).rejects.toMatchObject({ status: 403, code: "DENIED" });
    untouched();
  });

  it("may be the storage of a named registry's own domain", async () => {
    const storage = await start(serveBlob);
    const registry = await start(redirectTo(() => `http://minio.corp.example:${storage.port}/bucket`));
    const host = `registry.corp.example:${registry.port}`;
    const client = closing(
      upstreamClient({
        trustedHosts: () => false,
        insecure: new Set([host]),
        lookup: everyNameIsLoopback,
      }),
    );
    const { stream } = await client.blob({ host, path: "a" }, blobDigest, {});
    expect((await buffer(stream)).equals(blob)).toBe(true);
  });

  it("may be where a mirror is", async () => {
    const mirror = await start((_request, response) => {
      response.writeHead(200, { "content-type": OCI_MANIFEST }).end(manifest);
    });
    const client = closing(
      upstreamClient({
        trustedHosts: () => false,
        mirrors: new Map([
          ["docker.io", new URL(mirror.url)],
          ["quay.io", new URL(`${mirror.url}/v2/team/quay/`)],
        ]),
      }),
    );
    await client.manifest({ host: "docker.io", path: "library/nginx" }, "1", {});
    await client.manifest({ host: "quay.io", path: "org/app" }, "1", {});
    expect(mirror.lines()).toEqual(["GET /v2/library/nginx/manifests/1", "GET /v2/team/quay/org/app/manifests/1"]);
  });
});

describe("a name", () => {
  it.each([
    ["a user", "a@b.example"],
    ["a path", "x/../y"],
    ["a line break", "registry.example\r\nx: y"],
    ["a blank", "registry example"],
    ["a query", "registry.example?x"],
    ["a port beyond all", "registry.example:99999"],
    ["no address", "[::g]"],
    ["nothing", ""],
  ])("with %s is refused before anything is dialled", async (_what, host) => {
    const client = closing(upstreamClient());
    await expect(client.manifest({ host, path: "a" }, "1", {})).rejects.toMatchObject({
      status: 400,
      code: "NAME_INVALID",
    });
  });

  it.each(["../x", "a/../b", "a//b", "A", "a b", "a?x", "a%2fb", "", "a\n"])(
    "of a repository like %j is refused",
    async (path) => {
      const registry = await start(serveBlob);
      const client = closing(upstreamClient());
      await expect(client.manifest({ host: registry.host, path }, "1", {})).rejects.toMatchObject({
        code: "NAME_INVALID",
      });
      expect(registry.requests).toEqual([]);
    },
  );

  it.each(["../x", "a/b", "sha256:abc", "a b", "", "sha512:x", "tag\n", "x?y"])(
    "of a tag like %j is refused",
    async (reference) => {
      const registry = await start(serveBlob);
      const client = closing(upstreamClient());
      for (const ask of [client.manifest, client.resolve]) {
        await expect(ask({ host: registry.host, path: "a" }, reference, {})).rejects.toThrow(/neither a tag/);
      }
      expect(registry.requests).toEqual([]);
    },
  );
});
