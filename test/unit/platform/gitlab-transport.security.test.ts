import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, describe, expect, it } from "vitest";
import { createGitLabTransport, type GitLabTransportOptions } from "../../../src/platform/gitlab-transport.ts";
import { type Answerer, type HttpFixture, sendJson, startHttpFixture } from "../../support/http-fixture.ts";

const open: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const each of open.splice(0)) await each.close();
});

async function serve(answer: Answerer): Promise<HttpFixture> {
  const server = await startHttpFixture(answer);
  open.push(server);
  return server;
}

function client(options: Partial<GitLabTransportOptions> = {}) {
  const limits = { backoff: 5, idle: 300, total: 3_000, ...options.limits };
  const transport = createGitLabTransport({ signal: new AbortController().signal, ...options, limits });
  open.push(transport);
  return (server: HttpFixture, method = "GET") =>
    transport.send({ method, url: new URL(`${server.url}/api/v4/user`), headers: { "private-token": "glpat-secret" } });
}

describe("a request to GitLab", () => {
  it("takes its token to no other place, nor to another path", async () => {
    const elsewhere = await serve((_, response) => sendJson(response, 200, { id: 1 }));
    const server = await serve((_, response) => sendJson(response, 302, {}, { location: `${elsewhere.url}/x` }));
    await expect(client()(server)).rejects.toMatchObject({
      status: 302,
      message: expect.stringContaining(`which leads on to ${elsewhere.host}`),
    });
    expect([server.requests.length, elsewhere.requests.length]).toEqual([1, 0]);
  });

  it("ends when nobody answers", async () => {
    const server = await serve(() => undefined);
    const start = performance.now();
    await expect(client({ limits: { attempts: 2 } })(server)).rejects.toMatchObject({ code: "PLATFORM" });
    expect(performance.now() - start).toBeLessThan(2_900);
    expect(server.requests).toHaveLength(2);
  });

  it("ends when it takes too long with all its tries", async () => {
    const server = await serve((_, response) => sendJson(response, 429, {}, { "retry-after": "60" }));
    const start = performance.now();
    await expect(client({ limits: { total: 400 } })(server)).rejects.toMatchObject({ status: 429 });
    expect(performance.now() - start).toBeLessThan(1_500);
  });

  it.each(["at once", "while it waits for another try"])("ends when the run is cancelled, %s", async (when) => {
    const abort = new AbortController();
    const server = await serve((_, response) =>
      when === "at once" ? undefined : sendJson(response, 503, {}, { "retry-after": "60" }),
    );
    const sent = client({ signal: abort.signal, limits: { idle: 30_000, total: 90_000 } })(server);
    await Promise.all([
      expect(sent).rejects.toMatchObject({ code: "CANCELLED" }),
      sleep(200).then(() => abort.abort()),
    ]);
  });

  it("reads no endless answer", async () => {
    const server = await serve((_, response) => {
      response.writeHead(200, { "content-type": "application/json" });
      const more = (): void => {
        while (!response.destroyed && response.write(Buffer.alloc(1 << 20, "x")));
        if (!response.destroyed) response.once("drain", more);
      };
      more();
    });
    const sent = client({ limits: { attempts: 1 } })(server);
    await expect(sent).rejects.toMatchObject({ message: expect.stringContaining("more than 16777216 bytes") });
  });

  it("repeats what a server says in one line, without secrets and what steers a terminal", async () => {
    const message = "no\u001b[31m\nsection_start:1:x token=glpat-secret";
    const server = await serve((_, response) => sendJson(response, 400, { message }));
    await expect(client()(server)).rejects.toMatchObject({
      message: `GitLab at ${server.host} answered 400 to GET /api/v4/user: no\ufffdsection_start:1:x token=***`,
    });
  });

  it.each([
    ["GET", 500, 5],
    ["PUT", 502, 5],
    ["POST", 500, 1],
    ["POST", 503, 5],
    ["GET", 404, 1],
  ])("by %s is sent again after %i: %i times in all", async (method, status, times) => {
    const server = await serve((_, response) => sendJson(response, status, {}));
    await expect(client()(server, method)).rejects.toMatchObject({ status });
    expect(server.requests).toHaveLength(times);
  });
});
