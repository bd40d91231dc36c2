import { gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { digestOf } from "../../../src/oci/digest.ts";
import { DOCKER_LIST, OCI_MANIFEST } from "../../../src/oci/media-types.ts";
import { disposal } from "../../support/disposal.ts";
import { type Answerer, sendJson, startHttpFixture } from "../../support/http-fixture.ts";
import { upstreamClient } from "../../support/upstream-client.ts";

const closing = disposal();
const manifest = Buffer.from('{ "schemaVersion": 2,\n  "spaces": "stay as they are" }');
const digest = digestOf(manifest);

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

describe("resolve", () => {
  it("needs one HEAD when that tells everything", async () => {
    const { registry, client, repository } = await start((_request, response) => {
      response.writeHead(200, manifestHeaders).end();
    });
    expect(await client.resolve(repository, "1.0", {})).toEqual({
      mediaType: OCI_MANIFEST,
      digest,
      size: manifest.byteLength,
    });
    expect(registry.lines()).toEqual(["HEAD /v2/team/app/manifests/1.0"]);
    expect(registry.requests[0]?.headers).toMatchObject({
      accept: expect.stringContaining(DOCKER_LIST),
      "accept-encoding": "identity",
      "user-agent": "kubefile-test",
    });
    expect(registry.requests[0]?.headers.authorization).toBeUndefined();
  });

  it.each<[string, (headers: Record<string, string>) => void, number]>([
    ["has no digest", (headers) => delete headers["docker-content-digest"], 200],
    ["has no length", (headers) => delete headers["content-length"], 200],
    ["has no media type", (headers) => delete headers["content-type"], 200],
    ["has another media type", (headers) => Object.assign(headers, { "content-type": "text/html" }), 200],
    [
      "has a digest of another algorithm",
      (headers) => Object.assign(headers, { "docker-content-digest": `sha512:${"a".repeat(128)}` }),
      200,
    ],
    ["is not allowed", () => undefined, 405],
    ["is forbidden", () => undefined, 403],
  ])("asks with GET when HEAD %s", async (_what, change, status) => {
    const { registry, client, repository } = await start((request, response) => {
      const headers: Record<string, string> = { ...manifestHeaders };
      if (request.method === "GET") {
        response.writeHead(200, { "content-type": OCI_MANIFEST }).end(manifest);
        return;
      }
      change(headers);
      response.writeHead(status, headers).end();
    });
    expect(await client.resolve(repository, "1.0", {})).toMatchObject({ digest, size: manifest.byteLength });
    expect(registry.lines()).toEqual(["HEAD /v2/team/app/manifests/1.0", "GET /v2/team/app/manifests/1.0"]);
  });

  it("says what is not there", async () => {
    const { client, repository } = await start((_request, response) => void response.writeHead(404).end());
    await expect(client.resolve(repository, "nope", {})).rejects.toMatchObject({
      name: "RegistryError",
      status: 404,
      code: "MANIFEST_UNKNOWN",
      message: `registry ${repository.host} answered 404 for manifest ${repository.host}/team/app:nope`,
    });
  });

  it("asks with GET for the registry's own words about what is not there", async () => {
    const { registry, client, repository } = await start((_request, response) =>
      sendJson(response, 404, { errors: [{ code: "NAME_UNKNOWN", message: "team/app was deleted by its owner" }] }),
    );
    await expect(client.resolve(repository, "nope", {})).rejects.toMatchObject({
      status: 404,
      code: "NAME_UNKNOWN",
      detail: "team/app was deleted by its owner",
    });
    expect(registry.lines()).toEqual(["HEAD /v2/team/app/manifests/nope", "GET /v2/team/app/manifests/nope"]);
  });
});

describe("manifest", () => {
  it("keeps every byte", async () => {
    const { client, repository } = await start((_request, response) => {
      response.writeHead(200, manifestHeaders).end(manifest);
    });
    const found = await client.manifest(repository, digest, {});
    expect(found).toEqual({ mediaType: OCI_MANIFEST, digest, bytes: manifest });
  });

  it("undoes an encoding it did not ask for before it looks at the digest", async () => {
    const { client, repository } = await start((_request, response) => {
      response.writeHead(200, { "content-type": OCI_MANIFEST, "content-encoding": "gzip" }).end(gzipSync(manifest));
    });
    expect((await client.manifest(repository, digest, {})).bytes.equals(manifest)).toBe(true);
  });

  it("says so when it cannot undo the encoding", async () => {
    const { client, repository } = await start((_request, response) => {
      response.writeHead(200, { "content-type": OCI_MANIFEST, "content-encoding": "compress" }).end(manifest);
    });
    await expect(client.manifest(repository, digest, {})).rejects.toMatchObject({
      status: 502,
      message: expect.stringContaining('Content-Encoding "compress"'),
    });
  });

  it.each<[string, string, Record<string, string>]>([
    ["of another digest than asked for", digestOf("something else"), {}],
    ["of another digest than stated", "1.0", { "docker-content-digest": digestOf("something else") }],
  ])("refuses bytes %s", async (_what, reference, headers) => {
    const { client, repository } = await start((_request, response) => {
      response.writeHead(200, { ...manifestHeaders, ...headers }).end(manifest);
    });
    await expect(client.manifest(repository, reference, {})).rejects.toMatchObject({
      status: 502,
      code: "DIGEST_INVALID",
      message: expect.stringContaining(digest),
    });
  });

  it.each([
    ["announced", true],
    ["sent", false],
  ])("refuses more than 4 MiB, %s", async (_what, isAnnounced) => {
    let sent = 0;
    const { client, repository } = await start(async (_request, response) => {
      const size = 64 * 1024 * 1024;
      response.writeHead(200, isAnnounced ? { "content-length": size } : {});
      const chunk = Buffer.alloc(1024 * 1024, " ");
      while (!response.destroyed && sent < size) {
        sent += chunk.byteLength;
        await new Promise<void>((resolve) => {
          response.write(chunk, () => resolve());
          response.once("close", () => resolve());
        });
      }
      response.end();
    });
    await expect(client.manifest(repository, "1.0", {})).rejects.toMatchObject({
      status: 502,
      code: "SIZE_INVALID",
    });
    expect(sent).toBeLessThan(32 * 1024 * 1024);
  });

  it("asks again when the answer is cut short", async () => {
    const { registry, client, repository } = await start((_request, response, position) => {
      response.writeHead(200, manifestHeaders);
      if (position === 0) response.write(manifest.subarray(0, 10), () => response.destroy());
      else response.end(manifest);
    });
    expect((await client.manifest(repository, "1.0", {})).digest).toBe(digest);
    expect(registry.requests).toHaveLength(2);
  });

  it("repeats the registry's own words, on one line and without secrets", async () => {
    const { client, repository } = await start((_request, response) => {
      sendJson(response, 403, {
        errors: [
          {
            code: "DENIED",
            message: `your plan\u001b[31m ended,\nsee https://cdn.example/x?X-Amz-Signature=c4n4ry ${"long ".repeat(200)}`,
          },
        ],
      });
    });
    const error = await client.manifest(repository, "1.0", {}).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ status: 403, code: "DENIED" });
    const { detail, message } = error as { detail: string; message: string };
    expect(detail).toMatch(/^your plan \[31m ended, see https:/);
    expect(detail.length).toBe(500);
    expect(message).toContain(detail);
    expect(message).not.toContain("c4n4ry");
  });

  it.each([
    ["a page", "<html><body>Bad gateway</body></html>", undefined],
    ["a line of text", "no such thing\n", "no such thing"],
    ["a token service's words", '{"details":"incorrect username or password"}', "incorrect username or password"],
    ["an OAuth error", '{"error":"invalid_grant","error_description":"expired"}', "expired"],
    ["several errors", '{"errors":[{"code":"X","message":"a","detail":"b"},{"message":"c"},7]}', "a; b; c"],
    ["a list", "[1]", undefined],
    ["nothing", "", undefined],
    ["hostile JSON", '{"__proto__":{"message":"x"},"errors":{"message":"y"}}', undefined],
  ])("takes %s for what it is", async (_what, body, detail) => {
    const { client, repository } = await start((_request, response) => void response.writeHead(409).end(body));
    await expect(client.manifest(repository, "1.0", {})).rejects.toMatchObject({ status: 409, detail });
  });

  it.each([
    ["nothing", ""],
    ["a page", "<html>The plain HTTP request was sent to HTTPS port</html>"],
  ])("takes %s with 400 over plain http for a server with a certificate", async (_what, body) => {
    const { client, repository } = await start((_request, response) => void response.writeHead(400).end(body));
    await expect(client.manifest(repository, "1.0", {})).rejects.toMatchObject({ detail: "perhaps it speaks TLS" });
  });
});

describe("tags", () => {
  it("follows all pages, within the registry", async () => {
    const { registry, client, repository } = await start((request, response) => {
      const last = /last=(\w+)/.exec(request.path)?.[1];
      if (last === undefined) {
        sendJson(
          response,
          200,
          { tags: ["a", "b", "not a tag", 7] },
          { link: '</v2/team/app/tags/list?n=2&last=b>; rel="next"' },
        );
      } else if (last === "b") {
        sendJson(
          response,
          200,
          { tags: ["c"] },
          { link: "<http://elsewhere.invalid/v2/team/app/tags/list?last=c>; rel=next" },
        );
      } else {
        sendJson(response, 200, { tags: null });
      }
    });
    expect(await client.tags(repository, {})).toEqual(["a", "b", "c"]);
    expect(registry.lines()).toEqual([
      "GET /v2/team/app/tags/list?n=1000",
      "GET /v2/team/app/tags/list?n=2&last=b",
      "GET /v2/team/app/tags/list?last=c",
    ]);
  });

  it("gives up on a list that leads back to itself", async () => {
    const { registry, client, repository } = await start((_request, response) => {
      sendJson(response, 200, { tags: ["a"] }, { link: '</v2/team/app/tags/list?last=a>; rel="next"' });
    });
    await expect(client.tags(repository, {})).rejects.toMatchObject({
      status: 502,
      message: expect.stringContaining("without end"),
    });
    expect(registry.requests).toHaveLength(2);
  });

  it("gives up on a list without end", async () => {
    const { client, repository } = await start((_request, response, position) => {
      const tags = Array.from({ length: 1_000 }, (_, number) => `t${position}-${number}`);
      sendJson(response, 200, { tags }, { link: `</v2/team/app/tags/list?last=${position}>; rel="next"` });
    });
    await expect(client.tags(repository, {})).rejects.toMatchObject({
      message: expect.stringContaining("without end"),
    });
  });

  it("refuses what is no list", async () => {
    const { client, repository } = await start((_request, response) => sendJson(response, 200, "tags"));
    await expect(client.tags(repository, {})).rejects.toMatchObject({ status: 502 });
  });
});
