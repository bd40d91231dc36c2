import { Readable } from "node:stream";
import { describe, expect, it } from "vitest";
import { digestOf } from "../../../src/oci/digest.ts";
import { OCI_MANIFEST } from "../../../src/oci/media-types.ts";
import type { RegistryClientOptions } from "../../../src/registry/client.ts";
import type { BlobSource } from "../../../src/registry/types.ts";
import { disposal } from "../../support/disposal.ts";
import { type Answerer, sendJson, startHttpFixture } from "../../support/http-fixture.ts";
import { credentialsFor, upstreamClient } from "../../support/upstream-client.ts";

const closing = disposal();
const bytes = Buffer.from("layer".repeat(100_000));
const digest = digestOf(bytes);
const query = `digest=${encodeURIComponent(digest)}`;

function source(): BlobSource & { readonly opened: () => number } {
  let opened = 0;
  return {
    digest,
    size: bytes.byteLength,
    open: async () => {
      opened++;
      return Readable.from([bytes.subarray(0, 70_000), bytes.subarray(70_000)]);
    },
    opened: () => opened,
  };
}

async function start(answer: Answerer, options: Partial<RegistryClientOptions> = {}) {
  const registry = closing(await startHttpFixture(answer));
  const client = closing(upstreamClient(options));
  return { registry, client, repository: { host: registry.host, path: "team/app" } };
}

/** A registry without the blob that takes it; other answers where a test has them. */
function takes(other: Answerer): Answerer {
  return (request, response, position) => {
    void other(request, response, position);
    if (response.headersSent || response.destroyed) return;
    if (request.method === "HEAD") response.writeHead(404).end();
    else if (request.method === "POST") response.writeHead(202, { location: "/v2/upload/1?_state=a%2Fb%3D" }).end();
    else response.writeHead(201).end();
  };
}

describe("pushBlob", () => {
  it("sends nothing that is there", async () => {
    const { registry, client, repository } = await start((_request, response) => void response.writeHead(200).end());
    const blob = source();
    expect(await client.pushBlob(repository, blob, {})).toBe("exists");
    expect(registry.lines()).toEqual([`HEAD /v2/team/app/blobs/${digest}`]);
    expect(blob.opened()).toBe(0);
  });

  it("needs one POST and one PUT, and keeps the session's query", async () => {
    const { registry, client, repository } = await start(takes(() => undefined));
    const progress: number[] = [];
    const outcome = await client.pushBlob(repository, source(), { onProgress: (sent) => progress.push(sent) });
    expect(outcome).toBe("uploaded");
    expect(registry.lines()).toEqual([
      `HEAD /v2/team/app/blobs/${digest}`,
      "POST /v2/team/app/blobs/uploads/",
      `PUT /v2/upload/1?_state=a%2Fb%3D&${query}`,
    ]);
    const put = registry.requests[2];
    expect(put?.body.equals(bytes)).toBe(true);
    expect(put?.headers).toMatchObject({
      "content-length": String(bytes.byteLength),
      "content-type": "application/octet-stream",
    });
    expect(put?.headers["transfer-encoding"]).toBeUndefined();
    expect(progress).toEqual([70_000, bytes.byteLength]);
  });

  it("sends an empty blob", async () => {
    const { registry, client, repository } = await start(takes(() => undefined));
    const empty = { digest: digestOf(""), size: 0, open: async () => Readable.from([]) };
    expect(await client.pushBlob(repository, empty, {})).toBe("uploaded");
    expect(registry.requests[2]?.headers["content-length"]).toBe("0");
  });

  it("mounts what another repository has", async () => {
    const { registry, client, repository } = await start(
      takes(({ path }, response) => {
        if (path.includes("from=team%2Fbase")) response.writeHead(201).end();
      }),
    );
    const blob = source();
    const outcome = await client.pushBlob(repository, blob, { mountFrom: ["team/app", "team/base"] });
    expect(outcome).toBe("mounted");
    expect(registry.lines()).toEqual([
      `HEAD /v2/team/app/blobs/${digest}`,
      `POST /v2/team/app/blobs/uploads/?mount=${encodeURIComponent(digest)}&from=team%2Fbase`,
    ]);
    expect(blob.opened()).toBe(0);
  });

  it("uses the session it gets instead of a mount", async () => {
    const { registry, client, repository } = await start(takes(() => undefined));
    expect(await client.pushBlob(repository, source(), { mountFrom: ["team/base"] })).toBe("uploaded");
    expect(registry.requests.map(({ method }) => method)).toEqual(["HEAD", "POST", "PUT"]);
  });

  it.each([400, 401, 403, 404, 405])("uploads where mounting is refused with %d", async (status) => {
    const { registry, client, repository } = await start(
      takes(({ path }, response) => {
        if (path.includes("mount=")) response.writeHead(status).end();
      }),
    );
    expect(await client.pushBlob(repository, source(), { mountFrom: ["a", "b", "c", "d"] })).toBe("uploaded");
    // Three sources are asked, then a plain session.
    expect(registry.requests.filter(({ method }) => method === "POST")).toHaveLength(4);
  });

  it("asks for the right to read what it mounts", async () => {
    const { registry, client, repository } = await start((request, response) => {
      if (request.path.startsWith("/token")) sendJson(response, 200, { token: "t" });
      else if (request.headers.authorization === undefined) {
        const realm = `http://${request.headers.host}/token`;
        response.writeHead(401, { "www-authenticate": `Bearer realm="${realm}"` }).end();
      } else response.writeHead(request.method === "HEAD" ? 404 : 201).end();
    });
    await client.pushBlob(repository, source(), { mountFrom: ["team/base"] });
    const scopes = registry.requests
      .filter(({ path }) => path.startsWith("/token"))
      .map(({ path }) => new URL(path, "http://x").searchParams.getAll("scope"));
    expect(scopes).toEqual([
      ["repository:team/app:pull,push"],
      ["repository:team/app:pull,push", "repository:team/base:pull"],
    ]);
  });

  it("takes an upload to another origin without credentials", async () => {
    const storage = closing(await startHttpFixture((_request, response) => void response.writeHead(201).end()));
    const { client, repository, registry } = await start((request, response) => {
      if (request.headers.authorization === undefined) {
        response.writeHead(401, { "www-authenticate": "Basic realm=x" }).end();
      } else if (request.method === "HEAD") response.writeHead(404).end();
      else response.writeHead(202, { location: `${storage.url}/put?sig=a%2Bb` }).end();
    });
    const credential = { username: "me", password: "secret" };
    const pushing = closing(
      upstreamClient({ credentials: credentialsFor({ [registry.host]: credential, [storage.host]: credential }) }),
    );
    expect(await pushing.pushBlob(repository, source(), {})).toBe("uploaded");
    expect(storage.lines()).toEqual([`PUT /put?sig=a%2Bb&${query}`]);
    expect(storage.requests[0]?.headers.authorization).toBeUndefined();
    expect(storage.requests[0]?.body.equals(bytes)).toBe(true);
    // Without credentials there is no session.
    await expect(client.pushBlob(repository, source(), {})).rejects.toMatchObject({ status: 401 });
  });

  it.each<[string, Answerer]>([
    ["503", (_request, response) => void response.writeHead(503).end()],
    [
      "a lost session",
      (_request, response) => sendJson(response, 404, { errors: [{ code: "BLOB_UPLOAD_UNKNOWN", message: "gone" }] }),
    ],
    ["a broken connection", (_request, response) => void response.destroy()],
  ])("begins anew after %s", async (_what, fail) => {
    let puts = 0;
    const { registry, client, repository } = await start(
      takes((request, response, position) => {
        if (request.method === "PUT" && ++puts < 3) void fail(request, response, position);
      }),
    );
    const blob = source();
    expect(await client.pushBlob(repository, blob, {})).toBe("uploaded");
    expect(blob.opened()).toBe(3);
    expect(registry.requests.map(({ method }) => method).join(" ")).toBe("HEAD POST PUT HEAD POST PUT HEAD POST PUT");
    expect(registry.requests.at(-1)?.body.equals(bytes)).toBe(true);
  });

  it("sends nothing twice when only the answer was lost", async () => {
    let isStored = false;
    const { registry, client, repository } = await start(
      takes((request, response) => {
        if (request.method === "PUT") {
          isStored = true;
          response.destroy();
        } else if (request.method === "HEAD" && isStored) response.writeHead(200).end();
      }),
    );
    expect(await client.pushBlob(repository, source(), {})).toBe("uploaded");
    expect(registry.requests.map(({ method }) => method).join(" ")).toBe("HEAD POST PUT HEAD");
  });

  it("sends the bytes again when the token expired meanwhile", async () => {
    let granted = 0;
    let puts = 0;
    const { registry, client, repository } = await start((request, response) => {
      if (request.path.startsWith("/token")) {
        sendJson(response, 200, { token: `t${++granted}` });
        return;
      }
      const isLate = request.method === "PUT" && ++puts === 1;
      if (request.headers.authorization === undefined || isLate) {
        const realm = `http://${request.headers.host}/token`;
        response.writeHead(401, { "www-authenticate": `Bearer realm="${realm}"` }).end();
      } else if (request.method === "HEAD") response.writeHead(404).end();
      else if (request.method === "POST") response.writeHead(202, { location: "/v2/upload/1" }).end();
      else response.writeHead(201).end();
    });
    const blob = source();
    expect(await client.pushBlob(repository, blob, {})).toBe("uploaded");
    expect(registry.requests.at(-1)?.headers.authorization).toBe("Bearer t2");
    expect(registry.requests.at(-1)?.body.equals(bytes)).toBe(true);
    expect(blob.opened()).toBe(2);
  });

  it("repeats why a registry refuses", async () => {
    const { client, repository, registry } = await start(
      takes((request, response) => {
        if (request.method === "PUT") {
          sendJson(response, 400, { errors: [{ code: "DIGEST_INVALID", message: "other bytes" }] });
        }
      }),
    );
    await expect(client.pushBlob(repository, source(), {})).rejects.toMatchObject({
      status: 400,
      code: "DIGEST_INVALID",
      message: `registry ${registry.host} answered 400 for the upload of blob ${digest} to ${registry.host}/team/app: other bytes`,
    });
    expect(registry.requests.filter(({ method }) => method === "PUT")).toHaveLength(1);
  });

  it.each([
    ["no place", undefined],
    ["a place that is none", "http://"],
  ])("fails when the upload has %s", async (_what, location) => {
    const { client, repository } = await start(
      takes(({ method }, response) => {
        if (method === "POST") response.writeHead(202, location === undefined ? {} : { location }).end();
      }),
    );
    await expect(client.pushBlob(repository, source(), {})).rejects.toMatchObject({
      status: 502,
      message: expect.stringContaining("without saying where"),
    });
  });

  it("blames the source for what the source did", async () => {
    const { client, repository } = await start(takes(() => undefined));
    const broken: BlobSource = {
      digest,
      size: bytes.byteLength,
      open: async () =>
        Readable.from(
          (async function* () {
            yield bytes.subarray(0, 1000);
            throw new Error("the disk is on fire");
          })(),
        ),
    };
    await expect(client.pushBlob(repository, broken, {})).rejects.toThrow("the disk is on fire");
  });

  it("does not ask again for a source that does not open", async () => {
    const { client, repository } = await start(takes(() => undefined));
    let opened = 0;
    const missing: BlobSource = {
      ...source(),
      open: () => {
        opened++;
        return Promise.reject(new Error("no such file"));
      },
    };
    await expect(client.pushBlob(repository, missing, {})).rejects.toThrow(/^no such file$/);
    expect(opened).toBe(1);
  });

  it("fails when the source is shorter than it says", async () => {
    const { client, repository, registry } = await start(takes(() => undefined));
    const short = { ...source(), open: async () => Readable.from([bytes.subarray(0, 1000)]) };
    await expect(client.pushBlob(repository, short, {})).rejects.toMatchObject({ name: "RegistryError" });
    expect(registry.requests.filter(({ method }) => method === "PUT")).toEqual([]);
  });

  it("stops when its caller goes away", async () => {
    const { client, repository, registry } = await start((request, response) => {
      if (request.method === "HEAD") response.writeHead(404).end();
      else if (request.method === "POST") response.writeHead(202, { location: "/v2/upload/1" }).end();
    });
    const caller = new AbortController();
    const pushed = expect(client.pushBlob(repository, source(), { signal: caller.signal })).rejects.toMatchObject({
      code: "CANCELLED",
    });
    await expect.poll(() => registry.requests.length).toBe(3);
    caller.abort();
    await pushed;
  });
});

describe("mountBlob", () => {
  const mount = `POST /v2/team/app/blobs/uploads/?mount=${encodeURIComponent(digest)}&from=team%2Fbase`;

  it("says that the registry did it", async () => {
    const { registry, client, repository } = await start((_request, response) => void response.writeHead(201).end());
    expect(await client.mountBlob(repository, digest, "team/base", {})).toBe(true);
    expect(registry.lines()).toEqual([mount]);
  });

  it("ends the upload that it gets instead", async () => {
    const { registry, client, repository } = await start(takes(() => undefined));
    expect(await client.mountBlob(repository, digest, "team/base", {})).toBe(false);
    expect(registry.lines()).toEqual([mount, "DELETE /v2/upload/1?_state=a%2Fb%3D"]);
  });

  it("says that the registry does not, whether the upload can be ended or not", async () => {
    const { client, repository } = await start(
      takes(({ method }, response) => {
        if (method === "DELETE") response.writeHead(405).end();
      }),
    );
    expect(await client.mountBlob(repository, digest, "team/base", {})).toBe(false);
  });

  it("says that the registry refuses", async () => {
    const { registry, client, repository } = await start((_request, response) => void response.writeHead(403).end());
    expect(await client.mountBlob(repository, digest, "team/base", {})).toBe(false);
    expect(registry.lines()).toEqual([mount]);
  });
});

describe("pushManifest", () => {
  const manifest = Buffer.from('{"schemaVersion":2}');

  it("puts the exact bytes under their media type", async () => {
    const { registry, client, repository } = await start((_request, response) => {
      response.writeHead(201, { "docker-content-digest": digestOf(manifest) }).end();
    });
    await client.pushManifest(repository, "1.0", OCI_MANIFEST, manifest, {});
    expect(registry.lines()).toEqual(["PUT /v2/team/app/manifests/1.0"]);
    expect(registry.requests[0]?.headers["content-type"]).toBe(OCI_MANIFEST);
    expect(registry.requests[0]?.body.equals(manifest)).toBe(true);
  });

  it("is made again after 503", async () => {
    const { registry, client, repository } = await start((_request, response, position) => {
      response.writeHead(position === 0 ? 503 : 201).end();
    });
    await client.pushManifest(repository, "1.0", OCI_MANIFEST, manifest, {});
    expect(registry.requests.map(({ body }) => body.equals(manifest))).toEqual([true, true]);
  });

  it("notices a registry that stored something else", async () => {
    const { client, repository } = await start((_request, response) => {
      response.writeHead(201, { "docker-content-digest": digestOf("something else") }).end();
    });
    await expect(client.pushManifest(repository, "1.0", OCI_MANIFEST, manifest, {})).rejects.toMatchObject({
      status: 502,
      code: "DIGEST_INVALID",
    });
  });

  it("tells a missing blob from a refused manifest", async () => {
    const { client, repository } = await start((_request, response) => {
      sendJson(response, 400, { errors: [{ code: "MANIFEST_BLOB_UNKNOWN", message: "blob unknown", detail: digest }] });
    });
    await expect(client.pushManifest(repository, "1.0", OCI_MANIFEST, manifest, {})).rejects.toMatchObject({
      status: 400,
      code: "MANIFEST_BLOB_UNKNOWN",
      detail: `blob unknown; ${digest}`,
    });
  });
});
