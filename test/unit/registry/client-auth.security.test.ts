import { describe, expect, it } from "vitest";
import { digestOf } from "../../../src/oci/digest.ts";
import { OCI_MANIFEST } from "../../../src/oci/media-types.ts";
import type { RegistryClientOptions } from "../../../src/registry/client.ts";
import { disposal } from "../../support/disposal.ts";
import { type HttpFixture, type SeenRequest, startHttpFixture } from "../../support/http-fixture.ts";
import { lockedManifest, startTokenRegistry, type TokenService } from "../../support/token-registry.ts";
import { credentialsFor, upstreamClient } from "../../support/upstream-client.ts";

const closing = disposal();
const digest = digestOf(lockedManifest);
const alice = { username: "alice", password: "alice-secret" };
const bob = { username: "bob", password: "bob-secret" };

function basic({ username, password }: { username: string; password: string }): string {
  return `Basic ${Buffer.from(`${username}:${password}`).toString("base64")}`;
}

function clientOf(options: Partial<RegistryClientOptions> = {}) {
  return closing(upstreamClient(options));
}

const tokensOf = (registry: HttpFixture): SeenRequest[] =>
  registry.requests.filter(({ path }) => path.startsWith("/token"));

async function start(service: TokenService): Promise<HttpFixture> {
  return closing(await startTokenRegistry(service));
}

describe("a bearer challenge", () => {
  it("is answered anonymously without credentials", async () => {
    const registry = await start({
      grant: () => "anonymous-token",
      admit: (authorization) => authorization === "Bearer anonymous-token" || 401,
    });
    const client = clientOf();
    await client.manifest({ host: registry.host, path: "team/app" }, "1", {});
    expect(registry.lines()).toEqual([
      "GET /v2/team/app/manifests/1",
      "GET /token?service=the+registry&scope=repository%3Ateam%2Fapp%3Apull",
      "GET /v2/team/app/manifests/1",
    ]);
    expect(tokensOf(registry)[0]?.headers.authorization).toBeUndefined();
  });

  it("is answered with credentials, and remembered", async () => {
    const registry = await start({
      grant: ({ headers }) => (headers.authorization === basic(alice) ? "alices" : 401),
      admit: (authorization) => authorization === "Bearer alices" || 401,
    });
    const client = clientOf({ credentials: credentialsFor({ [registry.host]: alice }) });
    for (const tag of ["1", "2"]) await client.manifest({ host: registry.host, path: "team/app" }, tag, {});
    expect(registry.lines()).toEqual([
      "GET /v2/team/app/manifests/1",
      "GET /token?service=the+registry&scope=repository%3Ateam%2Fapp%3Apull",
      "GET /v2/team/app/manifests/1",
      "GET /v2/team/app/manifests/2",
    ]);
  });

  it("is answered with an identity token by POST", async () => {
    const registry = await start({
      grant: ({ method, body }) => (method === "POST" && body.includes("refresh_token=refresh%2Fme") ? "alices" : 401),
      admit: (authorization) => authorization === "Bearer alices" || 401,
    });
    const credential = { username: "", password: "", identityToken: "refresh/me" };
    const client = clientOf({ credentials: credentialsFor({ [registry.host]: credential }) });
    await client.manifest({ host: registry.host, path: "team/app" }, "1", {});
    const [asked] = tokensOf(registry);
    expect(asked?.path).toBe("/token");
    expect(Object.fromEntries(new URLSearchParams(asked?.body.toString()))).toEqual({
      grant_type: "refresh_token",
      refresh_token: "refresh/me",
      client_id: "kubefile",
      service: "the registry",
      scope: "repository:team/app:pull",
    });
  });

  it("of many requests at once needs one token", async () => {
    const registry = await start({
      grant: () => "the-token",
      admit: (authorization) => authorization === "Bearer the-token" || 401,
    });
    const client = clientOf();
    const repository = { host: registry.host, path: "team/app" };
    await Promise.all(Array.from({ length: 30 }, (_, number) => client.manifest(repository, `t${number}`, {})));
    expect(tokensOf(registry)).toHaveLength(1);
  });

  it("does not share tokens between repositories", async () => {
    const registry = await start({
      grant: (_request, scopes) => scopes.join().replaceAll(/[^a-z]/g, "-"),
      admit: (authorization, { path }) => authorization === `Bearer repository-${path.split("/")[2]}-pull` || 401,
    });
    const client = clientOf();
    await client.manifest({ host: registry.host, path: "one" }, "1", {});
    await client.manifest({ host: registry.host, path: "two" }, "1", {});
    expect(tokensOf(registry)).toHaveLength(2);
  });

  it("gets a fresh token once when the old one is refused", async () => {
    let valid = "first";
    const registry = await start({
      grant: () => valid,
      admit: (authorization) => authorization === `Bearer ${valid}` || 401,
    });
    const client = clientOf();
    const repository = { host: registry.host, path: "team/app" };
    await client.manifest(repository, "1", {});
    valid = "second";
    await client.manifest(repository, "1", {});
    expect(tokensOf(registry)).toHaveLength(2);
  });

  it("does not go round in circles when no token is ever good", async () => {
    const registry = await start({ grant: () => "useless", admit: () => 401 });
    const client = clientOf();
    await expect(client.manifest({ host: registry.host, path: "team/app" }, "1", {})).rejects.toMatchObject({
      status: 401,
      detail: "not you",
    });
    expect(registry.requests).toHaveLength(5);
  });

  it("gets a new token before the old one expires", async () => {
    let now = 0;
    let granted = 0;
    const registry = await start({
      grant: () => `token-${++granted}`,
      admit: (authorization) => authorization === `Bearer token-${granted}` || 401,
      lifetime: 100,
    });
    const client = clientOf({ clock: () => now });
    const repository = { host: registry.host, path: "team/app" };
    await client.manifest(repository, "1", {});
    now = 84_000;
    await client.manifest(repository, "1", {});
    expect(granted).toBe(1);
    now = 86_000;
    await client.manifest(repository, "1", {});
    expect(granted).toBe(2);
    // No request carried the old token after its time.
    expect(registry.requests.filter(({ headers }) => headers.authorization === "Bearer token-1")).toHaveLength(2);
  });

  it.each([
    ["no JSON", "<html>", "instead of a JSON token"],
    ["no token", "{}", "no usable token"],
    ["a list", "[]", "no usable token"],
    ["a token with a line break", '{"token":"a\\r\\nx-evil: 1"}', "no usable token"],
    ["a token that is no text", '{"token":{"a":1}}', "no usable token"],
  ])("fails clearly when the service sends %s", async (_what, body, why) => {
    const registry = closing(
      await startHttpFixture(({ path, headers }, response) => {
        if (path.startsWith("/token")) response.end(body);
        else {
          response.writeHead(401, { "www-authenticate": `Bearer realm="http://${headers.host}/token"` }).end();
        }
      }),
    );
    await expect(clientOf().manifest({ host: registry.host, path: "a" }, "1", {})).rejects.toMatchObject({
      name: "RegistryError",
      message: expect.stringContaining(why),
    });
  });

  it("fails when the token's answer has no end", async () => {
    const registry = closing(
      await startHttpFixture(({ path, headers }, response) => {
        if (!path.startsWith("/token")) {
          response.writeHead(401, { "www-authenticate": `Bearer realm="http://${headers.host}/token"` }).end();
          return;
        }
        const more = (): void => {
          while (!response.destroyed && response.write(Buffer.alloc(64 * 1024, "x")));
        };
        response.on("drain", more);
        more();
      }),
    );
    await expect(clientOf().manifest({ host: registry.host, path: "a" }, "1", {})).rejects.toMatchObject({
      code: "SIZE_INVALID",
    });
  });
});

describe("several credentials", () => {
  const service: TokenService = {
    grant: ({ headers }) =>
      headers.authorization === basic(bob) ? "bobs" : headers.authorization === undefined ? "nobodys" : 401,
    admit: (authorization) => authorization === "Bearer bobs" || (authorization === undefined ? 401 : 403),
  };

  it("are tried in order, and the right one first the next time", async () => {
    const registry = await start(service);
    const client = clientOf({ credentials: credentialsFor({ [registry.host]: [alice, bob] }) });
    const repository = { host: registry.host, path: "team/app" };
    await client.manifest(repository, "1", {});
    const before = registry.requests.length;
    await client.manifest(repository, "2", {});
    expect(registry.requests.length - before).toBe(1);
  });

  it("begin with those of the request", async () => {
    const registry = await start(service);
    const client = clientOf({ credentials: credentialsFor({ [registry.host]: alice }) });
    await client.manifest({ host: registry.host, path: "team/app" }, "1", { credentials: [bob] });
    expect(tokensOf(registry).map(({ headers }) => headers.authorization)).toEqual([basic(bob)]);
  });

  it("of one request do not serve another", async () => {
    const registry = await start(service);
    const client = clientOf();
    const repository = { host: registry.host, path: "team/app" };
    await client.manifest(repository, "1", { credentials: [bob] });
    await expect(client.manifest(repository, "1", {})).rejects.toMatchObject({ status: 403 });
  });

  it("that are wrong do not keep a public image away", async () => {
    const registry = await start({
      grant: ({ headers }) => (headers.authorization === undefined ? "nobodys" : 401),
      admit: (authorization) => authorization === "Bearer nobodys" || 401,
    });
    const client = clientOf({ credentials: credentialsFor({ [registry.host]: [alice, bob] }) });
    expect((await client.manifest({ host: registry.host, path: "team/app" }, "1", {})).digest).toBe(digest);
  });

  it("that are all wrong end with the first one's refusal", async () => {
    const registry = await start({ grant: () => 401, admit: () => 401 });
    const client = clientOf({ credentials: credentialsFor({ [registry.host]: [alice, bob] }) });
    await expect(client.manifest({ host: registry.host, path: "team/app" }, "1", {})).rejects.toMatchObject({
      status: 401,
      code: "UNAUTHORIZED",
      detail: "incorrect username or password",
    });
  });

  it("are tried when a registry hides what one may not see", async () => {
    const registry = await start({
      grant: ({ headers }) => (headers.authorization === basic(bob) ? "bobs" : "others"),
      admit: (authorization) => authorization === "Bearer bobs" || (authorization === undefined ? 401 : 404),
    });
    const client = clientOf({ credentials: credentialsFor({ [registry.host]: [alice, bob] }) });
    expect((await client.manifest({ host: registry.host, path: "team/app" }, "1", {})).digest).toBe(digest);
  });
});

describe("a basic challenge", () => {
  async function startBasicRegistry() {
    return closing(
      await startHttpFixture(({ headers }, response) => {
        if (headers.authorization === basic(bob)) {
          response.writeHead(200, { "content-type": OCI_MANIFEST }).end(lockedManifest);
        } else response.writeHead(401, { "www-authenticate": 'Negotiate, Basic realm="a, b"' }).end();
      }),
    );
  }

  it("gets the credentials of that very host", async () => {
    const registry = await startBasicRegistry();
    const client = clientOf({ credentials: credentialsFor({ [registry.host]: [alice, bob] }) });
    expect((await client.manifest({ host: registry.host, path: "a" }, "1", {})).digest).toBe(digest);
  });

  it("is an error without any", async () => {
    const registry = await startBasicRegistry();
    const client = clientOf({ credentials: credentialsFor({ "127.0.0.1": bob, [`${registry.host}0`]: bob }) });
    await expect(client.manifest({ host: registry.host, path: "a" }, "1", {})).rejects.toMatchObject({ status: 401 });
  });

  it("never sees credentials before it is made", async () => {
    const registry = await startBasicRegistry();
    const client = clientOf({ credentials: credentialsFor({ [registry.host]: bob }) });
    await client.manifest({ host: registry.host, path: "a" }, "1", {});
    expect(registry.requests[0]?.headers.authorization).toBeUndefined();
  });
});
