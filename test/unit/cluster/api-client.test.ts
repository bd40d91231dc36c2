import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { stringify } from "yaml";
import { type ApiClient, apiClient } from "../../../src/cluster/api-client.ts";
import { readKubeconfig, withServer } from "../../../src/cluster/kubeconfig.ts";
import { temporaryDirectories } from "../../support/temporary-directory.ts";

const temporaryDirectory = temporaryDirectories();
const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

function kubeconfig(server: string): string {
  return stringify({
    "current-context": "kind-x",
    clusters: [{ name: "other" }, { name: "kind-x", cluster: { server, "certificate-authority-data": "Y2E=" } }],
    contexts: [{ name: "kind-x", context: { cluster: "kind-x", user: "kind-x" } }],
    users: [{ name: "kind-x", user: { "client-certificate-data": "Y2VydA==", "client-key-data": "a2V5" } }],
  });
}

type Answer = (request: IncomingMessage, response: ServerResponse) => void;

/** An API server that gives one prepared answer after the other. */
async function apiServer(answers: readonly Answer[]): Promise<{ api: ApiClient; asked: string[] }> {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    const answer = answers[asked.length];
    asked.push(`${request.method} ${request.url}`);
    if (answer === undefined) response.writeHead(200).flushHeaders();
    else answer(request, response);
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  const path = join(await temporaryDirectory(), "kubeconfig");
  await writeFile(path, kubeconfig(`http://127.0.0.1:${address.port}`));
  const api = await apiClient(path);
  closing.push(async () => {
    await api.close();
    server.closeAllConnections();
    server.close();
  });
  return { api, asked };
}

const json =
  (body: unknown, status = 200): Answer =>
  (_request, response) => {
    response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
  };
const events =
  (...lines: readonly unknown[]): Answer =>
  (_request, response) => {
    response.writeHead(200).end(lines.map((line) => `${JSON.stringify(line)}\n`).join(""));
  };
const pod = (name: string, resourceVersion: string): unknown => ({
  metadata: { name, uid: `uid-${name}`, resourceVersion },
});
const list = (resourceVersion: string, ...items: readonly unknown[]): Answer =>
  json({ kind: "PodList", apiVersion: "v1", metadata: { resourceVersion }, items });

describe("requests", () => {
  test("a list is all its pages, its items with kind and version", async () => {
    const { api, asked } = await apiServer([
      json({
        kind: "PodList",
        apiVersion: "v1",
        metadata: { resourceVersion: "7", continue: "n/xt" },
        items: [pod("a", "1")],
      }),
      list("7", pod("b", "2")),
    ]);
    const found = await api.list("/api/v1/pods?labelSelector=x");
    expect(found.resourceVersion).toBe("7");
    expect(found.items.map((item) => [item.apiVersion, item.kind, item.metadata.name])).toEqual([
      ["v1", "Pod", "a"],
      ["v1", "Pod", "b"],
    ]);
    expect(asked).toEqual([
      "GET /api/v1/pods?labelSelector=x&limit=500",
      "GET /api/v1/pods?labelSelector=x&limit=500&continue=n%2Fxt",
    ]);
  });

  test.each<[string, Answer, object]>([
    [
      "a Status",
      json({ kind: "Status", reason: "NotFound", message: "no such pod" }, 404),
      { status: 404, reason: "NotFound", message: "no such pod" },
    ],
    [
      "text",
      (_request, response) => response.writeHead(503).end("starting"),
      { status: 503, reason: "", message: "starting" },
    ],
    ["nothing", (_request, response) => response.writeHead(500).end(), { status: 500, message: "status 500" }],
    ["a cut", (_request, response) => response.destroy(), { status: 0, reason: "Unreachable" }],
  ])("%s becomes an error with status, reason and message", async (_case, answer, expected) => {
    const { api } = await apiServer([answer]);
    await expect(api.get("/api/v1/pods/x")).rejects.toMatchObject({ name: "KubernetesApiError", ...expected });
  });

  test("silence ends after the time limit, an abort at once", async () => {
    const { api } = await apiServer([() => undefined, () => undefined]);
    await expect(api.get("/x", { timeout: 50 })).rejects.toMatchObject({ status: 504, reason: "Timeout" });
    await expect(api.get("/x", { signal: AbortSignal.timeout(20) })).rejects.toMatchObject({ code: "CANCELLED" });
  });
});

describe("a watch", () => {
  async function seen(answers: readonly Answer[], wanted: number): Promise<{ events: string[]; asked: string[] }> {
    const { api, asked } = await apiServer(answers);
    const told: string[] = [];
    const stop = new AbortController();
    await api.watch(
      "/api/v1/pods",
      (event) => {
        told.push(`${event.type} ${event.object.metadata.name}`);
        if (told.length === wanted) stop.abort();
      },
      AbortSignal.any([stop.signal, AbortSignal.timeout(10_000)]),
    );
    return { events: told, asked: asked.map((line) => /resourceVersion=\d+/.exec(line)?.[0] ?? "list") };
  }

  test("goes on where it stopped, bookmarks counting", async () => {
    const found = await seen(
      [
        list("5", pod("a", "1")),
        events(
          { type: "ADDED", object: pod("b", "6") },
          { type: "BOOKMARK", object: { metadata: { resourceVersion: "9" } } },
        ),
        events({ type: "DELETED", object: pod("a", "10") }),
      ],
      3,
    );
    expect(found.events).toEqual(["ADDED a", "ADDED b", "DELETED a"]);
    expect(found.asked).toEqual(["list", "resourceVersion=5", "resourceVersion=9"]);
  });

  test.each<[string, Answer]>([
    ["as an event", events({ type: "ERROR", object: { kind: "Status", code: 410, message: "too old" } })],
    ["as a status", json({ kind: "Status", reason: "Expired", message: "too old" }, 410)],
  ])("lists anew when the server has forgotten the version, told %s, and tells the difference", async (_case, gone) => {
    const found = await seen(
      [
        list("5", pod("kept", "1"), pod("changed", "2"), pod("gone", "3")),
        gone,
        list("20", pod("kept", "1"), pod("changed", "12"), pod("new", "13")),
        events({ type: "DELETED", object: pod("kept", "21") }),
      ],
      7,
    );
    expect(found.events).toEqual([
      ...["ADDED kept", "ADDED changed", "ADDED gone"],
      ...["MODIFIED changed", "ADDED new", "DELETED gone", "DELETED kept"],
    ]);
    expect(found.asked).toEqual(["list", "resourceVersion=5", "list", "resourceVersion=20"]);
  });

  test("tries again after failures of the server and cut lines", async () => {
    const cut: Answer = (_request, response) => {
      response.writeHead(200);
      response.write(`${JSON.stringify({ type: "ADDED", object: pod("b", "6") })}\n{"type":"ADD`, () =>
        response.destroy(),
      );
    };
    const found = await seen(
      [
        json({}, 503),
        list("5", pod("a", "1")),
        json({}, 500),
        cut,
        events({ type: "MODIFIED", object: pod("b", "7") }),
      ],
      3,
    );
    expect(found.events).toEqual(["ADDED a", "ADDED b", "MODIFIED b"]);
    expect(found.asked).toEqual([
      ...["list", "list"],
      ...["resourceVersion=5", "resourceVersion=5", "resourceVersion=6"],
    ]);
  });
});

describe("a kubeconfig", () => {
  test("with another server keeps everything else", async () => {
    const path = join(await temporaryDirectory(), "kubeconfig");
    await writeFile(path, withServer(kubeconfig("https://127.0.0.1:40000"), "https://127.0.0.1:6443"));
    expect(await readKubeconfig(path)).toEqual({
      server: "https://127.0.0.1:6443",
      ca: Buffer.from("ca"),
      certificate: Buffer.from("cert"),
      key: Buffer.from("key"),
    });
  });

  test.each([
    ["", "not a mapping"],
    ["current-context: x", "no context named x"],
    [kubeconfig("https://x").replace("certificate-authority-data", "other"), "certificate-authority-data is missing"],
  ])("%j is refused", async (text, message) => {
    const path = join(await temporaryDirectory(), "kubeconfig");
    await writeFile(path, text);
    await expect(readKubeconfig(path)).rejects.toMatchObject({ code: "CLUSTER_FAILED" });
    await expect(readKubeconfig(path)).rejects.toThrow(message);
  });
});
