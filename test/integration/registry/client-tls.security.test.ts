import { connect, createServer as createNetServer, type Socket } from "node:net";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { digestOf } from "../../../src/oci/digest.ts";
import { OCI_MANIFEST } from "../../../src/oci/media-types.ts";
import type { RegistryClientOptions } from "../../../src/registry/client.ts";
import { type Certificate, makeCertificate } from "../../support/certificate.ts";
import { disposal } from "../../support/disposal.ts";
import { type Answerer, type HttpFixture, startHttpFixture } from "../../support/http-fixture.ts";
import { temporaryDirectories } from "../../support/temporary-directory.ts";
import { credentialsFor, everyNameIsLoopback, upstreamClient } from "../../support/upstream-client.ts";

const closing = disposal();
const temporaryDirectory = temporaryDirectories();
const manifest = Buffer.from('{"schemaVersion":2}');
const me = { username: "me", password: "secret" };

let certificate: Certificate;

beforeEach(async () => {
  certificate = await makeCertificate(await temporaryDirectory(), ["registry.corp.example", "auth.corp.example"]);
});

const serve: Answerer = (_request, response) => {
  response.writeHead(200, { "content-type": OCI_MANIFEST }).end(manifest);
};

async function startTls(answer: Answerer): Promise<{ server: HttpFixture; host: string }> {
  const server = closing(await startHttpFixture(answer, { key: certificate.key, cert: certificate.certificate }));
  return { server, host: `registry.corp.example:${server.port}` };
}

function clientFor(host: string, options: Partial<RegistryClientOptions> = {}) {
  return closing(
    upstreamClient({
      lookup: everyNameIsLoopback,
      authorities: new Map([[host, certificate.certificate]]),
      ...options,
    }),
  );
}

describe("a registry with a certificate", () => {
  it("is spoken to with its own authority", async () => {
    const { host } = await startTls(serve);
    const client = clientFor(host);
    expect((await client.manifest({ host, path: "a" }, "1", {})).digest).toBe(digestOf(manifest));
  });

  it("of an unknown authority is refused at once", async () => {
    const { server, host } = await startTls(serve);
    const client = clientFor("another.example");
    await expect(client.manifest({ host, path: "a" }, "1", {})).rejects.toMatchObject({
      status: 502,
      message: expect.stringMatching(/self-signed certificate/),
    });
    expect(server.requests).toEqual([]);
  });

  it("for another name is refused", async () => {
    const { server } = await startTls(serve);
    const host = `other.corp.example:${server.port}`;
    await expect(clientFor(host).manifest({ host, path: "a" }, "1", {})).rejects.toMatchObject({
      status: 502,
      message: expect.stringMatching(/ERR_TLS_CERT_ALTNAME_INVALID|altnames/),
    });
    expect(server.requests).toEqual([]);
  });

  describe("while the environment asks for no checks", () => {
    const before = process.env.NODE_TLS_REJECT_UNAUTHORIZED;
    beforeEach(() => {
      process.env.NODE_TLS_REJECT_UNAUTHORIZED = "0";
    });
    afterEach(() => {
      if (before === undefined) delete process.env.NODE_TLS_REJECT_UNAUTHORIZED;
      else process.env.NODE_TLS_REJECT_UNAUTHORIZED = before;
    });

    it("is checked all the same", async () => {
      const { server, host } = await startTls(serve);
      const client = clientFor("another.example");
      await expect(client.manifest({ host, path: "a" }, "1", {})).rejects.toMatchObject({ status: 502 });
      expect(server.requests).toEqual([]);
    });
  });

  it("does not lead us to plain http", async () => {
    const plain = closing(await startHttpFixture(serve));
    const { host } = await startTls((_request, response) => {
      response.writeHead(307, { location: `http://registry.corp.example:${plain.port}/x` }).end();
    });
    await expect(clientFor(host).manifest({ host, path: "a" }, "1", {})).rejects.toMatchObject({
      status: 502,
      code: "DENIED",
      message: expect.stringContaining("from https to http"),
    });
    expect(plain.requests).toEqual([]);
  });

  it("leads us to plain http where that is declared", async () => {
    const plain = closing(await startHttpFixture(serve));
    const insecure = `registry.corp.example:${plain.port}`;
    const { host } = await startTls((_request, response) => {
      response.writeHead(307, { location: `http://${insecure}/x` }).end();
    });
    const client = clientFor(host, { insecure: new Set([insecure]) });
    expect((await client.manifest({ host, path: "a" }, "1", {})).digest).toBe(digestOf(manifest));
  });

  it("does not take an upload to plain http", async () => {
    const plain = closing(await startHttpFixture(serve));
    const { host } = await startTls(({ method }, response) => {
      if (method === "HEAD") response.writeHead(404).end();
      else response.writeHead(202, { location: `http://registry.corp.example:${plain.port}/x` }).end();
    });
    const blob = { digest: digestOf("x"), size: 1, open: () => Promise.reject(new Error("not opened")) };
    await expect(clientFor(host).pushBlob({ host, path: "a" }, blob, {})).rejects.toMatchObject({
      code: "DENIED",
      message: expect.stringContaining("X-Forwarded-Proto"),
    });
    expect(plain.requests).toEqual([]);
  });

  it("does not get a password sent to a token service in plain http", async () => {
    const tokens = closing(await startHttpFixture((_request, response) => void response.end('{"token":"t"}')));
    const { host } = await startTls((_request, response) => {
      const realm = `http://auth.corp.example:${tokens.port}/token`;
      response.writeHead(401, { "www-authenticate": `Bearer realm="${realm}"` }).end();
    });
    const client = clientFor(host, { credentials: credentialsFor({ [host]: me }) });
    await expect(client.manifest({ host, path: "a" }, "1", {})).rejects.toMatchObject({
      status: 401,
      message: expect.stringContaining("is plain http"),
    });
    expect(tokens.requests).toEqual([]);
  });

  it("has its password sent to a token service of its own domain", async () => {
    const tokens = closing(
      await startHttpFixture((_request, response) => void response.end('{"token":"t"}'), {
        key: certificate.key,
        cert: certificate.certificate,
      }),
    );
    const { host } = await startTls((request, response, position) => {
      if (request.headers.authorization === "Bearer t") return serve(request, response, position);
      const realm = `https://auth.corp.example:${tokens.port}/token`;
      response.writeHead(401, { "www-authenticate": `Bearer realm="${realm}"` }).end();
    });
    const client = clientFor(host, {
      credentials: credentialsFor({ [host]: me }),
      authorities: new Map([
        [host, certificate.certificate],
        [`auth.corp.example:${tokens.port}`, certificate.certificate],
      ]),
    });
    await client.manifest({ host, path: "a" }, "1", {});
    expect(tokens.requests[0]?.headers.authorization).toBe("Basic bWU6c2VjcmV0");
  });
});

describe("behind a corporate proxy", () => {
  /** Tunnels CONNECT to this machine, whatever name is asked for. */
  async function startProxy() {
    const asked: string[] = [];
    const sockets = new Set<Socket>();
    const server = createNetServer((client) => {
      sockets.add(client);
      client.on("error", () => undefined);
      client.once("data", (head) => {
        const [, target = "", port = ""] = /^CONNECT ([^ ]+):(\d+) /.exec(head.toString()) ?? [];
        asked.push(`${target}:${port}`);
        const upstream = connect(Number(port), "127.0.0.1", () => {
          client.write("HTTP/1.1 200 OK\r\n\r\n");
          client.pipe(upstream).pipe(client);
        });
        sockets.add(upstream);
        upstream.on("error", () => client.destroy());
      });
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    closing({
      close() {
        for (const socket of sockets) socket.destroy();
        return new Promise((resolve) => server.close(() => resolve()));
      },
    });
    const address = server.address();
    if (address === null || typeof address === "string") throw new Error("no port");
    return { asked, url: `http://127.0.0.1:${address.port}` };
  }

  it("registries are reached through it, and names are its business", async () => {
    const proxy = await startProxy();
    const server = closing(await startHttpFixture(serve));
    const host = `registry.corp.example:${server.port}`;
    const noLookup: RegistryClientOptions["lookup"] = (hostname) => {
      throw new Error(`${hostname} was looked up`);
    };
    const client = clientFor(host, {
      insecure: new Set([host]),
      proxy: { http: proxy.url },
      lookup: noLookup,
    });
    expect((await client.manifest({ host, path: "a" }, "1", {})).digest).toBe(digestOf(manifest));
    expect(proxy.asked).toEqual([host]);
  });

  it("what NO_PROXY names is reached directly", async () => {
    const proxy = await startProxy();
    const server = closing(await startHttpFixture(serve));
    const client = closing(upstreamClient({ proxy: { http: proxy.url, https: proxy.url, noProxy: "127.0.0.1" } }));
    expect((await client.manifest({ host: server.host, path: "a" }, "1", {})).digest).toBe(digestOf(manifest));
    expect(proxy.asked).toEqual([]);
  });

  it("private addresses are refused all the same", async () => {
    const proxy = await startProxy();
    const client = closing(upstreamClient({ trustedHosts: () => false, proxy: { http: proxy.url, https: proxy.url } }));
    await expect(client.manifest({ host: "169.254.169.254", path: "a" }, "1", {})).rejects.toMatchObject({
      status: 403,
      code: "DENIED",
    });
    expect(proxy.asked).toEqual([]);
  });
});
