import { describe, expect, it } from "vitest";
import { digestOf } from "../../../src/oci/digest.ts";
import { OCI_MANIFEST } from "../../../src/oci/media-types.ts";
import type { RegistryClientOptions } from "../../../src/registry/client.ts";
import { disposal } from "../../support/disposal.ts";
import { type Answerer, sendJson, startHttpFixture } from "../../support/http-fixture.ts";
import { upstreamClient } from "../../support/upstream-client.ts";

const closing = disposal();
const manifest = Buffer.from('{"schemaVersion":2}');
const digest = digestOf(manifest);

const serve: Answerer = (_request, response) => {
  response.writeHead(200, { "content-type": OCI_MANIFEST }).end(manifest);
};

async function start(answer: Answerer, options: Partial<RegistryClientOptions> = {}) {
  const registry = closing(await startHttpFixture(answer));
  const client = closing(upstreamClient(options));
  const repository = { host: registry.host, path: "team/app" };
  return { registry, repository, client, get: (signal?: AbortSignal) => client.manifest(repository, "1", { signal }) };
}

/** The first answers as told, then the manifest. */
function first(times: number, answer: Answerer): Answerer {
  return (request, response, position) => (position < times ? answer : serve)(request, response, position);
}

describe("another try", () => {
  it.each([408, 429, 502, 503, 504])("follows %d", async (status) => {
    const { registry, get } = await start(first(2, (_request, response) => void response.writeHead(status).end()));
    expect((await get()).digest).toBe(digest);
    expect(registry.requests).toHaveLength(3);
  });

  it.each([400, 401, 403, 404, 405, 410, 416, 418, 451, 500, 501])("does not follow %d", async (status) => {
    const { registry, get } = await start((_request, response) => void response.writeHead(status).end());
    await expect(get()).rejects.toMatchObject({ status });
    expect(registry.requests).toHaveLength(1);
  });

  it("follows a connection that breaks", async () => {
    const { registry, get } = await start(first(2, (_request, response) => void response.destroy()));
    expect((await get()).digest).toBe(digest);
    expect(registry.requests).toHaveLength(3);
  });

  it("ends after so many", async () => {
    const { registry, get } = await start((_request, response) => void response.writeHead(503).end("busy"), {
      limits: { attempts: 3 },
    });
    await expect(get()).rejects.toMatchObject({ status: 503, detail: "busy" });
    expect(registry.requests).toHaveLength(3);
  });

  it("waits as long as it is asked to", async () => {
    const times: number[] = [];
    const { get } = await start((request, response, position) => {
      times.push(performance.now());
      if (position === 0) response.writeHead(429, { "retry-after": "1" }).end();
      else serve(request, response, position);
    });
    await get();
    expect((times[1] ?? 0) - (times[0] ?? 0)).toBeGreaterThanOrEqual(990);
  });

  it.each([
    ["seconds", "3600"],
    ["a date", new Date(Date.now() + 3_600_000).toUTCString()],
  ])("is given up at once when it would be too late, in %s", async (_what, retryAfter) => {
    const { registry, get } = await start((_request, response) => {
      const error = { errors: [{ code: "TOOMANYREQUESTS", message: "you have reached your pull rate limit" }] };
      sendJson(response, 429, error, { "retry-after": retryAfter });
    });
    await expect(get()).rejects.toMatchObject({
      status: 429,
      code: "TOOMANYREQUESTS",
      detail: "you have reached your pull rate limit",
    });
    expect(registry.requests).toHaveLength(1);
  });

  it("does not outlast the time for an answer", async () => {
    const { registry, get } = await start((_request, response) => void response.writeHead(503).end(), {
      limits: { answer: 300, backoff: 50, attempts: 1_000 },
    });
    await expect(get()).rejects.toMatchObject({ status: 503 });
    expect(registry.requests.length).toBeGreaterThan(1);
    expect(registry.requests.length).toBeLessThan(10);
  });

  it("tells the failure, not the clock, when time runs out in a later try", async () => {
    const { get } = await start(
      (_request, response, position) => {
        if (position === 0) response.writeHead(503).end("busy");
      },
      { limits: { answer: 300 } },
    );
    await expect(get()).rejects.toMatchObject({ status: 503, detail: "busy" });
  });

  it("comes after pauses that grow, half at random", async () => {
    const pauses = async (random: number): Promise<number> => {
      const { get } = await start(
        first(3, (_request, response) => void response.writeHead(503).end()),
        {
          limits: { backoff: 40 },
          random: () => random,
        },
      );
      const begun = performance.now();
      await get();
      return performance.now() - begun;
    };
    // 40 + 80 + 160 ms, halved or not.
    expect(await pauses(0)).toBeGreaterThanOrEqual(135);
    expect(await pauses(0.999)).toBeGreaterThanOrEqual(410);
  });

  it("is made of the token service too", async () => {
    let asked = 0;
    const { get } = await start(({ path, headers }, response, position) => {
      if (path.startsWith("/token")) {
        if (++asked < 3) response.writeHead(503).end();
        else sendJson(response, 200, { token: "t" });
      } else if (headers.authorization === "Bearer t") serve({} as never, response, position);
      else response.writeHead(401, { "www-authenticate": `Bearer realm="http://${headers.host}/token"` }).end();
    });
    expect((await get()).digest).toBe(digest);
    expect(asked).toBe(3);
  });
});

describe("a caller that goes away", () => {
  it.each<[string, Answerer]>([
    ["while waiting for an answer", () => undefined],
    ["between tries", (_request, response) => void response.writeHead(503, { "retry-after": "4" }).end()],
    [
      "while waiting for a token",
      ({ path, headers }, response) => {
        if (path.startsWith("/token")) return;
        response.writeHead(401, { "www-authenticate": `Bearer realm="http://${headers.host}/token"` }).end();
      },
    ],
  ])("is told so at once, %s", async (_what, answer) => {
    const { registry, get } = await start(answer);
    const caller = new AbortController();
    const asked = expect(get(caller.signal)).rejects.toMatchObject({ code: "CANCELLED" });
    await expect.poll(() => registry.requests.length).toBeGreaterThan(0);
    caller.abort();
    await asked;
  });

  it("does not take the token from those that stay", async () => {
    let answerToken = (): void => undefined;
    const { registry, get } = await start(({ path, headers }, response, position) => {
      if (path.startsWith("/token")) answerToken = () => sendJson(response, 200, { token: "t" });
      else if (headers.authorization === "Bearer t") serve({} as never, response, position);
      else response.writeHead(401, { "www-authenticate": `Bearer realm="http://${headers.host}/token"` }).end();
    });
    const leaving = new AbortController();
    const left = expect(get(leaving.signal)).rejects.toMatchObject({ code: "CANCELLED" });
    const stays = get();
    await expect.poll(() => registry.lines().filter((line) => line.includes("/token")).length).toBe(1);
    await expect.poll(() => registry.lines().filter((line) => line.includes("/manifests/")).length).toBe(2);
    leaving.abort();
    await left;
    answerToken();
    expect((await stays).digest).toBe(digest);
    expect(registry.lines().filter((line) => line.includes("/token"))).toHaveLength(1);
  });

  it("before it asked, opens no connection", async () => {
    const { registry, get } = await start(serve);
    await expect(get(AbortSignal.abort())).rejects.toMatchObject({ code: "CANCELLED" });
    expect(registry.requests).toEqual([]);
  });

  it("may be the owner of the client", async () => {
    const owner = new AbortController();
    const { registry, get } = await start(() => undefined, { signal: owner.signal });
    const asked = expect(get()).rejects.toMatchObject({ code: "CANCELLED" });
    await expect.poll(() => registry.requests.length).toBe(1);
    owner.abort();
    await asked;
  });
});
