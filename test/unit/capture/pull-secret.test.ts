import { describe, expect, test } from "vitest";
import { pullSecretsIn } from "../../../src/capture/pull-secret.ts";

const config = '{"auths": {"registry.example": {"username": "shop", "password": "corner-shop-42"}}}';
const base64 = Buffer.from(config).toString("base64");

function secret(lines: string, type = "kubernetes.io/dockerconfigjson"): string {
  return `apiVersion: v1\nkind: Secret\nmetadata: { name: pull, namespace: shop }\ntype: ${type}\n${lines}\n`;
}

const found = { namespace: "shop", name: "pull", dockerConfigJson: config };

describe("pull secrets in a file", () => {
  test.each([
    ["base64", secret(`data: { .dockerconfigjson: ${base64} }`)],
    ["plain text", secret(`stringData: { .dockerconfigjson: '${config}' }`)],
    [
      "both, of which the plain text counts",
      secret(`data: { .dockerconfigjson: e30= }\nstringData:\n  .dockerconfigjson: '${config}'`),
    ],
  ])("are read as %s", (_name, text) => {
    expect(pullSecretsIn(text)).toEqual([found]);
  });

  test("are read in the older form", () => {
    const legacy = Buffer.from('{"registry.example": {}}').toString("base64");
    expect(pullSecretsIn(secret(`data: { .dockercfg: ${legacy} }`, "kubernetes.io/dockercfg"))).toEqual([
      { ...found, dockerConfigJson: '{"auths":{"registry.example": {}}}' },
    ]);
  });

  test("are found among other documents, in lists, and without a namespace", () => {
    const item = { kind: "Secret", type: "kubernetes.io/dockerconfigjson", metadata: { name: "other" } };
    const list = { kind: "List", items: [{ kind: "Pod" }, { ...item, data: { ".dockerconfigjson": base64 } }] };
    const text = [secret(`data: { .dockerconfigjson: ${base64} }`), "kind: Pod\n", JSON.stringify(list)].join("---\n");
    expect(pullSecretsIn(text)).toEqual([found, { namespace: "", name: "other", dockerConfigJson: config }]);
  });

  test.each([
    ["of another type", secret(`data: { .dockerconfigjson: ${base64} }`, "Opaque")],
    ["of another kind", secret(`data: { .dockerconfigjson: ${base64} }`).replace("kind: Secret", "kind: ConfigMap")],
    ["without a name", secret(`data: { .dockerconfigjson: ${base64} }`).replace("name: pull, ", "")],
    ["without the field of its type", secret("data: { password: e30= }")],
    ["in a template", secret("data: { .dockerconfigjson: {{ .Values.config | b64enc }} }")],
    ["in text that only mentions one", "a .dockerconfigjson is needed\n"],
  ])("are none %s", (_name, text) => {
    expect(pullSecretsIn(text)).toEqual([]);
  });
});
