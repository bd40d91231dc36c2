import { describe, expect, it } from "vitest";
import type { LaunchObject } from "../../../src/capture/launch-objects.ts";
import { type AttributionOptions, attributeOperators, creatorOf } from "../../../src/capture/operators.ts";
import { formatObject } from "../../../src/capture/owners.ts";
import { apiAnswering } from "./api-answers.ts";
import { recording, replay } from "./recorded.ts";

const objects = replay(recording("shop")).objects();

/** Who may do what, as the recorded cluster's RBAC answered: only the operator's account may create pods and watch Shops. */
function cluster(mayCreate: readonly string[] = ["op"], mayWatch: readonly string[] = ["op"]) {
  const asked: string[] = [];
  const api = apiAnswering({
    get: (path) => {
      asked.push(path);
      return {
        kind: "APIResourceList",
        resources: [
          { name: "shops", namespaced: true, kind: "Shop" },
          { name: "shops/status", kind: "Shop" },
        ],
      };
    },
    create: (path, body) => {
      const { spec } = JSON.parse(JSON.stringify(body));
      asked.push(
        `${spec.user} ${spec.resourceAttributes.verb} ${spec.resourceAttributes.group}/${spec.resourceAttributes.resource}`,
      );
      expect(path).toBe("/apis/authorization.k8s.io/v1/subjectaccessreviews");
      const account = spec.user.split(":").at(-1);
      expect(spec.groups).toEqual(["system:authenticated", "system:serviceaccounts", "system:serviceaccounts:shop"]);
      return {
        status: { allowed: (spec.resourceAttributes.verb === "create" ? mayCreate : mayWatch).includes(account) },
      };
    },
  });
  return { api, asked };
}

async function attributed(
  options: Partial<AttributionOptions> = {},
  { api }: ReturnType<typeof cluster> = cluster(),
): Promise<Record<string, string>> {
  const found = await attributeOperators(api, { objects, ...options });
  return Object.fromEntries(
    [...found.entries()].map(([uid, { operators, owner }]) => [
      (options.objects ?? objects).find(({ object }) => object.metadata.uid === uid)?.object.metadata.name ?? uid,
      `${operators.map(formatObject).join(", ")}${owner === undefined ? "" : ` for ${formatObject(owner)}`}`,
    ]),
  );
}

describe("operators", () => {
  it("are found by the owner of what they make", async () => {
    expect(await attributed()).toEqual({ "main-backend": "Deployment shop/op for Shop shop/main" });
  });

  it("are found for what appears while no launch command runs, whatever client made it", async () => {
    const end = Date.parse("2026-01-01T00:01:00Z");
    expect(await attributed({ commandRunning: (time) => time.getTime() < end })).toEqual({
      "main-backend": "Deployment shop/op for Shop shop/main",
      loose: "Deployment shop/op",
    });
  });

  it("are told apart by what else they may watch", async () => {
    expect(await attributed({}, cluster(["op", "default"]))).toEqual({
      "main-backend": "Deployment shop/op for Shop shop/main",
    });
  });

  it("are all named when nothing tells them apart", async () => {
    const text = (await attributed({}, cluster(["op", "default"], [])))["main-backend"];
    expect(text).toContain("Deployment shop/op, Deployment shop/web, Job shop/migrate");
  });

  it("are told apart by their program's name", async () => {
    const renamed = objects.map((entry) =>
      entry.object.metadata.name === "main-backend" ? managedBy(entry, "op") : entry,
    );
    expect(await attributed({ objects: renamed }, cluster(["op", "default"], []))).toEqual({
      "main-backend": "Deployment shop/op for Shop shop/main",
    });
  });

  it("are not among what started later, nor without the right to create", async () => {
    expect(await attributed({}, cluster([]))).toEqual({});
    const late = objects.map((entry) =>
      entry.object.metadata.name.startsWith("op-") ? startedAt(entry, "2027-01-01T00:00:00Z") : entry,
    );
    expect(await attributed({ objects: late })).toEqual({});
  });

  it("cost one question each", async () => {
    const asking = cluster(["op", "default"], ["op", "default"]);
    await attributed({ commandRunning: () => false }, asking);
    expect(new Set(asking.asked).size).toBe(asking.asked.length);
  });
});

it("creatorOf names the client of the creating request, not of status updates", () => {
  const byName = Object.fromEntries(objects.map(({ object }) => [object.metadata.name, creatorOf(object)]));
  expect(byName).toMatchObject({
    web: "kubectl-client-side-apply",
    "web-985d559f7": "kube-controller-manager",
    "main-backend": "kubectl-create",
    loose: "kubectl-run",
  });
});

function managedBy(entry: LaunchObject, manager: string): LaunchObject {
  const metadata = {
    ...entry.object.metadata,
    managedFields: [{ manager, operation: "Update", time: "2026-01-01T00:00:00Z" }],
  };
  return { ...entry, object: { ...entry.object, metadata } };
}

function startedAt(entry: LaunchObject, startTime: string): LaunchObject {
  return { ...entry, object: { ...entry.object, status: { startTime } } };
}
