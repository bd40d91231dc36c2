import { describe, expect, it } from "vitest";
import type { KubernetesApi, KubernetesObject } from "../../../src/cluster/types.ts";
import { locateTarget, parseForwardTarget } from "../../../src/pipeline/forward-target.ts";

describe("parseForwardTarget", () => {
  it.each([
    ["svc/web:80", { kind: "services", namespace: undefined, name: "web", port: "80" }],
    ["shop/deploy/web.v2:http", { kind: "deployments", namespace: "shop", name: "web.v2", port: "http" }],
    ["pod/web-0:65535", { kind: "pods", namespace: undefined, name: "web-0", port: "65535" }],
  ])("%s", (text, target) => {
    expect(parseForwardTarget(text)).toEqual({ ...target, shown: text });
  });

  it.each([
    "web:80",
    "svc/web",
    "svc/web:",
    "svc/web:0",
    "svc/web:65536",
    "job/web:80",
    "a/b/svc/web:80",
    "svc/We:1",
    "constructor/x:1",
  ])("%s names nothing", (text) => {
    expect(() => parseForwardTarget(text)).toThrow(`${JSON.stringify(text)} does not name a port of the cluster`);
  });
});

function object(name: string, namespace: string, fields: Partial<KubernetesObject> = {}): KubernetesObject {
  return { metadata: { name, namespace, uid: `${namespace}/${name}` }, ...fields };
}

const readyStatus = { conditions: [{ type: "Ready", status: "True" }] };
const containers = [{ name: "app", ports: [{ name: "page", containerPort: 8080 }] }];

/** Answers lists by path. */
function api(lists: Readonly<Record<string, readonly KubernetesObject[]>>): KubernetesApi {
  const never = (): never => {
    throw new Error("only lists are asked for");
  };
  return {
    ...{ get: never, create: never, delete: never, watch: never, text: never },
    list: async (path) => ({ items: [...(lists[path] ?? [])], resourceVersion: "1" }),
  };
}

const web = object("web", "shop", {
  spec: {
    selector: { app: "web", tier: "front" },
    ports: [{ name: "http", port: 80, targetPort: "page" }, { port: 9090 }],
  },
});
const pods = [
  object("web-b", "shop", { spec: { containers }, status: readyStatus }),
  object("web-a", "shop", { spec: { containers }, status: { conditions: [{ type: "Ready", status: "False" }] } }),
];
const cluster = api({
  "/api/v1/services": [web, object("web", "other"), object("db", "shop", { spec: { ports: [{ port: 5432 }] } })],
  "/api/v1/namespaces/shop/pods?labelSelector=app%3Dweb%2Ctier%3Dfront": pods,
  "/apis/apps/v1/deployments": [
    object("web", "shop", { spec: { selector: { matchLabels: { app: "web", tier: "front" } } } }),
  ],
  "/api/v1/pods": pods,
});
const locate = (text: string): Promise<unknown> =>
  locateTarget(cluster, parseForwardTarget(text), new AbortController().signal);

describe("locateTarget", () => {
  it.each([
    ["shop/svc/web:80", 8080],
    ["shop/svc/web:http", 8080],
    ["shop/svc/web:9090", 9090],
    ["deploy/web:page", 8080],
    ["deploy/web:1234", 1234],
    ["pod/web-b:page", 8080],
  ])("%s is port %d of the pod that is ready", async (text, port) => {
    expect(await locate(text)).toEqual({ namespace: "shop", pod: "web-b", port });
  });

  it.each([
    ["svc/web:80", "svc/web:80 is in several namespaces", "write shop/svc/web:80 or other/svc/web:80"],
    ["svc/none:80", "the launch made no svc/none", "services of the launch: shop/web, other/web, shop/db"],
    ["other/svc/db:80", "the launch made no other/svc/db", "there is shop/svc/db:80"],
    ["shop/svc/web:81", "the service has no port 81: shop/svc/web:81", "it has 80 http, 9090"],
    ["svc/db:5432", "svc/db:5432 selects no pods by their labels", "forward to a pod, or to what made it"],
  ])("%s: %s", async (text, message, hint) => {
    await expect(locate(text)).rejects.toMatchObject({ code: "USAGE", message, hint });
  });
});
