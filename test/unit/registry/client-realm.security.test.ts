import { describe, expect, it } from "vitest";
import { digestOf } from "../../../src/oci/digest.ts";
import { OCI_MANIFEST } from "../../../src/oci/media-types.ts";
import type { RegistryClientOptions } from "../../../src/registry/client.ts";
import { Redactor } from "../../../src/registry/secret.ts";
import { disposal } from "../../support/disposal.ts";
import { type HttpFixture, sendJson, startHttpFixture } from "../../support/http-fixture.ts";
import { lockedManifest, startTokenRegistry, type TokenService } from "../../support/token-registry.ts";
import { credentialsFor, everyNameIsLoopback, upstreamClient } from "../../support/upstream-client.ts";

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

async function start(service: TokenService): Promise<HttpFixture> {
  return closing(await startTokenRegistry(service));
}

describe("a token service elsewhere", () => {
  it("gets neither password nor identity token", async () => {
    const evil = closing(await startHttpFixture((_request, response) => sendJson(response, 200, { token: "evils" })));
    const registry = await start({
      realm: `http://tokens.evil.net:${evil.port}/token`,
      grant: () => 500,
      admit: () => 401,
    });
    for (const credential of [alice, { username: "", password: "", identityToken: "refresh-me" }]) {
      const client = clientOf({
        credentials: credentialsFor({ [registry.host]: credential }),
        lookup: everyNameIsLoopback,
      });
      await expect(client.manifest({ host: registry.host, path: "a" }, "1", {})).rejects.toMatchObject({
        status: 401,
        message: expect.stringMatching(/credentials are not sent to its token service tokens\.evil\.net/),
      });
    }
    expect(evil.requests.length).toBeGreaterThan(0);
    for (const { method, headers, body } of evil.requests) {
      expect({ method, authorization: headers.authorization, body: body.toString() }).toEqual({
        method: "GET",
        authorization: undefined,
        body: "",
      });
    }
  });

  it("that redirects a token request does not get the password on the way", async () => {
    const evil = closing(await startHttpFixture((_request, response) => sendJson(response, 200, { token: "evils" })));
    const registry = closing(
      await startHttpFixture(({ path, headers }, response) => {
        if (path.startsWith("/token")) response.writeHead(307, { location: `${evil.url}/token` }).end();
        else response.writeHead(401, { "www-authenticate": `Bearer realm="http://${headers.host}/token"` }).end();
      }),
    );
    for (const credential of [alice, { username: "", password: "", identityToken: "refresh-me" }]) {
      const client = clientOf({ credentials: credentialsFor({ [registry.host]: credential }) });
      await expect(client.manifest({ host: registry.host, path: "a" }, "1", {})).rejects.toMatchObject({
        name: "RegistryError",
      });
    }
    const seen = evil.requests.map(({ headers, body }) => `${headers.authorization} ${body}`);
    expect(seen.length).toBeGreaterThan(0);
    expect(seen.join("\n")).not.toMatch(/Basic|refresh/);
  });

  it.each(["file:///etc/passwd", "not a url", "http://", ""])("at %j is no token service", async (realm) => {
    const registry = await start({ realm, grant: () => 500, admit: () => 401 });
    const client = clientOf({ credentials: credentialsFor({ [registry.host]: alice }) });
    await expect(client.manifest({ host: registry.host, path: "a" }, "1", {})).rejects.toMatchObject({
      name: "RegistryError",
    });
  });
});

describe("a mirror", () => {
  async function startMirror(allowed: (authorization: string | undefined) => boolean) {
    return closing(
      await startHttpFixture(({ headers }, response) => {
        if (allowed(headers.authorization)) {
          response.writeHead(200, { "content-type": OCI_MANIFEST }).end(lockedManifest);
        } else response.writeHead(401, { "www-authenticate": "Basic realm=x" }).end();
      }),
    );
  }
  const repository = { host: "private.example.com", path: "team/app" };

  it("that serves anybody never sees the credentials of the registry it stands for", async () => {
    const mirror = await startMirror(() => true);
    const client = clientOf({
      mirrors: new Map([["private.example.com", new URL(mirror.url)]]),
      credentials: credentialsFor({ "private.example.com": alice }),
    });
    await client.manifest(repository, "1", { credentials: [bob] });
    expect(mirror.requests.map(({ headers }) => headers.authorization)).toEqual([undefined]);
  });

  it("gets its own credentials first", async () => {
    const mirror = await startMirror((authorization) => authorization === basic(bob));
    const client = clientOf({
      mirrors: new Map([["private.example.com", new URL(mirror.url)]]),
      credentials: credentialsFor({ "private.example.com": alice, [mirror.host]: bob }),
    });
    await client.manifest(repository, "1", {});
    expect(mirror.requests.map(({ headers }) => headers.authorization)).toEqual([undefined, basic(bob)]);
  });

  it("gets those of the registry it stands for when nothing else will do", async () => {
    const mirror = await startMirror((authorization) => authorization === basic(alice));
    const client = clientOf({
      mirrors: new Map([["private.example.com", new URL(mirror.url)]]),
      credentials: credentialsFor({ "private.example.com": alice }),
    });
    expect((await client.manifest(repository, "1", {})).digest).toBe(digest);
  });
});

describe("secrets", () => {
  it("are known to the redactor and in no error", async () => {
    const redactor = new Redactor();
    const registry = closing(
      await startHttpFixture(({ path, headers }, response) => {
        if (path.startsWith("/token")) {
          sendJson(response, 200, { token: "c4n4ry-token" });
        } else if (headers.authorization === undefined) {
          response.writeHead(401, { "www-authenticate": `Bearer realm="http://${headers.host}/token"` }).end();
        } else {
          const echo = `${headers.authorization} ${basic(alice)} ${alice.password} https://x/?sig=c4n4ry-signature`;
          sendJson(response, 403, { errors: [{ code: "DENIED", message: `denied: ${echo}` }] });
        }
      }),
    );
    const client = clientOf({ credentials: credentialsFor({ [registry.host]: alice }), redactor });
    const error = await client.manifest({ host: registry.host, path: "a" }, "1", {}).catch((thrown: unknown) => thrown);
    const everything = JSON.stringify(error, ["message", "detail", "stack", "code", "status"]);
    expect(everything).toContain("denied: ");
    for (const canary of ["c4n4ry", alice.password, Buffer.from("alice:alice-secret").toString("base64")]) {
      expect(everything).not.toContain(canary);
    }
    expect(redactor.redact("it was c4n4ry-token")).toBe("it was ***");
  });
});
