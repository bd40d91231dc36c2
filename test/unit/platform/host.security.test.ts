import { writeFile } from "node:fs/promises";
import { type IncomingMessage, request } from "node:http";
import { createServer } from "node:net";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { HostFlags } from "../../../src/platform/build-inputs.ts";
import { type OpenHost, openHost } from "../../../src/platform/host.ts";
import { terminal } from "../../../src/platform/terminal.ts";
import { createCachingProxy } from "../../../src/registry/caching-proxy.ts";
import { type RegistryServer, startRegistryServer } from "../../../src/registry/server.ts";
import { openStore } from "../../../src/store/store.ts";
import { disposal } from "../../support/disposal.ts";
import { type FixtureRegistry, startFixtureRegistry } from "../../support/fixture-registry.ts";
import { startHttpFixture } from "../../support/http-fixture.ts";
import { buildImage, buildLayer } from "../../support/image-builder.ts";
import { temporaryDirectories } from "../../support/temporary-directory.ts";

const closing = disposal();
const temporaryDirectory = temporaryDirectories();
const hosts: OpenHost[] = [];
afterEach(async () => {
  for (const host of hosts.splice(0)) await host[Symbol.asyncDispose]();
});

/** What nodes get from a build's proxy, put together as the command does it. */
async function proxyOf(
  flags: HostFlags = {},
  dockerConfig = "{}",
  env: Readonly<Record<string, string>> = {},
): Promise<{ host: OpenHost; server: RegistryServer }> {
  const home = await temporaryDirectory();
  await writeFile(join(home, "config.json"), dockerConfig);
  const { signal } = new AbortController();
  const silent = { write: () => undefined };
  const host = await openHost(
    {
      env: { HOME: home, DOCKER_CONFIG: home, ...env },
      cwd: home,
      stdout: silent,
      stderr: silent,
      signal,
      repeated: signal,
      platform: terminal,
    },
    { ...flags, progress: "json" },
  );
  hosts.push(host);
  const store = closing(await openStore(join(home, "store")));
  const server = closing(
    await startRegistryServer({ host: "127.0.0.1", source: createCachingProxy({ store, upstream: host.client }) }),
  );
  return { host, server };
}

/** Asks the proxy for `shop/web:1` of the registry `ns`. */
async function ask({ server }: { server: RegistryServer }, ns: string): Promise<{ status: number; message: string }> {
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    request(`${server.url}/v2/shop/web/manifests/1?ns=${encodeURIComponent(ns)}`, resolve)
      .once("error", reject)
      .end();
  });
  return { status: response.statusCode ?? 0, message: await text(response) };
}

describe("a registry at a private address that nobody has named", () => {
  let connections = 0;
  let port = 0;
  const sockets = createServer((socket) => {
    connections += 1;
    socket.destroy();
  });
  beforeEach(async () => {
    connections = 0;
    await new Promise<void>((resolve) => sockets.listen(0, "127.0.0.1", resolve));
    const address = sockets.address();
    if (address !== null && typeof address === "object") port = address.port;
  });
  afterEach(() => new Promise((resolve) => sockets.close(resolve)));

  test.each([
    "127.0.0.1",
    "localhost",
    "2130706433",
    "127.1",
    "0x7f000001",
    "017700000001",
    "[::1]",
    "[::ffff:7f00:1]",
  ])("is not dialled as %s", async (name) => {
    const answer = await ask(await proxyOf(), `${name}:${port}`);
    expect(answer).toMatchObject({ status: 403, message: expect.stringContaining("not a public address") });
    expect(connections).toBe(0);
  });

  test.each([
    "169.254.169.254",
    "10.0.0.1",
    "192.168.0.1:5000",
    "172.18.0.1:5000",
    "100.100.100.200",
    "[fd00:ec2::254]",
  ])("is not dialled at %s, where metadata and neighbours are", async (name) => {
    expect(await ask(await proxyOf(), name)).toMatchObject({ status: 403 });
  });

  test.each(["a@127.0.0.1", "127.0.0.1/x", "127.0.0.1:99999", "a b", "a\r\nHost: b", "", "-a", "a..b", "http://a"])(
    "is refused as malformed: %j",
    async (name) => {
      expect(await ask(await proxyOf(), name)).toMatchObject({ status: 400 });
      expect(connections).toBe(0);
    },
  );
});

describe("a registry at a private address that somebody has named", () => {
  let registry: FixtureRegistry;
  beforeEach(async () => {
    registry = closing(await startFixtureRegistry());
    const layer = await buildLayer([{ path: "data", content: Buffer.from("x") }]);
    registry.put("shop/web", "1", buildImage({ format: "oci", layers: [layer], entrypoint: ["/data"] }));
  });

  test("in an image reference is served", async () => {
    const proxy = await proxyOf();
    expect(await ask(proxy, registry.host)).toMatchObject({ status: 403 });
    expect(registry.requests).toEqual([]);
    proxy.host.trustRegistry(registry.host);
    expect(await ask(proxy, registry.host)).toMatchObject({ status: 200 });
  });

  test("in a pull secret of the cluster is served", async () => {
    const proxy = await proxyOf();
    const dockerConfigJson = JSON.stringify({
      auths: { [registry.host]: { username: "me", password: "secret-word" } },
    });
    proxy.host.addPullSecret({ namespace: "shop", name: "pull", dockerConfigJson });
    expect(await ask(proxy, registry.host)).toMatchObject({ status: 200 });
    expect(proxy.host.redact("the password is secret-word")).not.toContain("secret-word");
  });

  test("in docker's configuration is served", async () => {
    const proxy = await proxyOf({}, JSON.stringify({ auths: { [`http://${registry.host}/v2/`]: {} } }));
    expect(await ask(proxy, registry.host)).toMatchObject({ status: 200 });
  });

  test.each(["insecure", "mirror"] as const)("by --%s is served", async (flag) => {
    const flags =
      flag === "insecure" ? { insecure: [registry.host] } : { mirror: [`docker.io=http://${registry.host}`] };
    const name = flag === "insecure" ? registry.host : "docker.io";
    expect(await ask(await proxyOf(flags), name)).toMatchObject({ status: 200 });
  });
});

describe("credential helpers", () => {
  /** A registry that wants a password, and keeps those it is given. */
  async function lockedRegistry(): Promise<{ host: string; given: string[] }> {
    const given: string[] = [];
    const fixture = closing(
      await startHttpFixture((request, response) => {
        const { authorization } = request.headers;
        if (authorization === undefined) response.writeHead(401, { "www-authenticate": 'Basic realm="locked"' });
        else given.push(authorization);
        response.end();
      }),
    );
    return { host: new URL(fixture.url).host, given };
  }

  async function helper(script: string): Promise<string> {
    const directory = await temporaryDirectory();
    await writeFile(join(directory, "docker-credential-cloud"), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
    return `${directory}:/usr/bin:/bin`;
  }

  test("have the variables of their cloud", async () => {
    const { host, given } = await lockedRegistry();
    const path = await helper(`printf '{"Username":"me","Secret":"%s"}' "$CLOUD_SECRET"`);
    const config = JSON.stringify({ credHelpers: { [host]: "cloud" } });
    const proxy = await proxyOf({}, config, { PATH: path, CLOUD_SECRET: "from the cloud" });
    await ask(proxy, host);
    expect(given).toContain(`Basic ${Buffer.from("me:from the cloud").toString("base64")}`);
  });

  test("that fail are a warning, which says nothing of what they printed", async () => {
    const { host } = await lockedRegistry();
    const path = await helper("echo half-a-secret; exit 1");
    const proxy = await proxyOf({}, JSON.stringify({ credHelpers: { [host]: "cloud" } }), { PATH: path });
    await ask(proxy, host);
    expect(proxy.host.progress.warnings()).toEqual([`docker-credential-cloud gave no credentials for ${host}`]);
  });
});
