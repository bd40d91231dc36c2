import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { matchesLabel } from "../../../src/registry/label-pattern.ts";
import { type PullSecret, pullSecretCredentials } from "../../../src/registry/pull-secrets.ts";

function secret(auths: Record<string, string>, name = "pull", namespace = "shop"): PullSecret {
  const entries = Object.entries(auths).map(([key, username]) => [key, { username, password: "x" }]);
  return {
    namespace,
    name,
    type: "kubernetes.io/dockerconfigjson",
    payload: JSON.stringify({ auths: Object.fromEntries(entries) }),
  };
}

async function usernames(secrets: readonly PullSecret[], image: string): Promise<string[]> {
  const slash = image.indexOf("/");
  const repository = { host: image.slice(0, slash), path: image.slice(slash + 1) };
  const found = await pullSecretCredentials(secrets).credentials(repository);
  return found.map(({ username }) => username);
}

describe("pull secrets", () => {
  // The cases of kubelet's own keyring_test.go, with our canonical image names.
  it.each<[string, string, boolean]>([
    ["kubernetes.io", "kubernetes.io/nginx", true],
    ["*.kubernetes.io", "prefix.kubernetes.io/nginx", true],
    ["prefix.*.io", "prefix.kubernetes.io/nginx", true],
    ["prefix.kubernetes.*", "prefix.kubernetes.io/nginx", true],
    ["*-good.kubernetes.io", "prefix-good.kubernetes.io/nginx", true],
    ["prefix.kubernetes.io/", "prefix.kubernetes.io/nginx", true],
    ["prefix.kubernetes.io/foo", "prefix.kubernetes.io/foo/bar", true],
    ["*.kubernetes.io/foo/bar", "prefix.kubernetes.io/foo/bar/baz", true],
    ["kubernetes.io:1111", "kubernetes.io:1111/nginx", true],
    ["kubernetes.io", "kubernetes.io:1111/nginx", false],
    ["kubernetes.io:1111", "kubernetes.io:2222/nginx", false],
    ["kubernetes.io:1111", "kubernetes.io/nginx", false],
    ["kubernetes.io", "kubernetes.com/nginx", false],
    ["kubernetes.io", "not.kubernetes.io/nginx", false],
    ["*.kubernetes.io", "kubernetes.io/nginx", false],
    ["*.kubernetes.io", "a.b.kubernetes.io/nginx", false],
    ["*kubernetes.io", "prefix.kubernetes.io/nginx", false],
    ["prefix.kubernetes.io/foo", "prefix.kubernetes.io/nginx", false],
    ["*.io", "kubernetes.io/nginx", true],
    ["*", "kubernetes.io/nginx", false],
    ["*.*", "kubernetes.io/nginx", true],
    ["https://kubernetes.io", "kubernetes.io/nginx", true],
    ["http://kubernetes.io/v2/", "kubernetes.io/nginx", true],
    ["https://kubernetes.io/v1/team", "kubernetes.io/team/app", true],
    ["10.0.0.*", "10.0.0.5/nginx", true],
    ["10.0.0.*:5000", "10.0.0.5:5000/nginx", true],
    ["ker?nel.io", "kerxnel.io/a", true],
    ["[a-k]8s.io", "k8s.io/a", true],
    ["[^a-k]8s.io", "k8s.io/a", false],
    ["[k8s.io", "k8s.io/a", false],
    ["https://index.docker.io/v1/", "docker.io/library/nginx", true],
    ["docker.io", "docker.io/library/nginx", true],
    ["docker.io/team", "docker.io/team/app", true],
    ["https://index.docker.io/v1/", "quay.io/library/nginx", false],
  ])("under %s for %s: %s", async (key, image, expected) => {
    expect(await usernames([secret({ [key]: "me" })], image)).toEqual(expected ? ["me"] : []);
  });

  it("come with the most specific key first", async () => {
    const auths = { "quay.io": "host", "quay.io/team": "team", "quay.io/team/app": "app", "*.io": "any" };
    expect(await usernames([secret(auths)], "quay.io/team/app")).toEqual(["app", "team", "host", "any"]);
  });

  it("for Docker Hub's old key are a fallback", async () => {
    const auths = { "https://index.docker.io/v1/": "old", "docker.io": "new" };
    expect(await usernames([secret(auths)], "docker.io/library/nginx")).toEqual(["new"]);
  });

  it("of all namespaces are tried", async () => {
    const secrets = [secret({ "quay.io": "one" }), secret({ "quay.io": "two" }, "pull", "other")];
    expect(await usernames(secrets, "quay.io/a")).toEqual(["one", "two"]);
  });

  it("may be of the old type", async () => {
    const payload = JSON.stringify({ "https://quay.io": { auth: Buffer.from("me:secret").toString("base64") } });
    const source = pullSecretCredentials([{ namespace: "a", name: "b", type: "kubernetes.io/dockercfg", payload }]);
    expect(await source.credentials({ host: "quay.io", path: "a" })).toEqual([{ username: "me", password: "secret" }]);
  });

  it("may come later, and change", async () => {
    const source = pullSecretCredentials();
    const ask = async () => (await source.credentials({ host: "quay.io", path: "a" })).map(({ username }) => username);
    expect(await ask()).toEqual([]);
    source.addSecret(secret({ "quay.io": "first" }));
    expect(await ask()).toEqual(["first"]);
    source.addSecret(secret({ "quay.io": "second" }));
    expect(await ask()).toEqual(["second"]);
  });

  it("name the hosts that they name outright", () => {
    const auths = {
      "https://index.docker.io/v1/": "a",
      "quay.io/team": "b",
      "registry.example:5000": "c",
      "*.corp.example": "d",
    };
    expect([...pullSecretCredentials([secret(auths)]).hosts()].sort()).toEqual([
      "docker.io",
      "quay.io",
      "registry.example:5000",
    ]);
  });

  it.each([
    ["no JSON", '{"auths": {"c4n4ry'],
    ["a list", "[]"],
    ["auths that are none", '{"auths": []}'],
    ["too much", `"${"x".repeat(1024 * 1024)}"`],
  ])("with %s are refused without quoting them", (_what, payload) => {
    const source = pullSecretCredentials();
    const add = () =>
      source.addSecret({ namespace: "shop", name: "pull", type: "kubernetes.io/dockerconfigjson", payload });
    expect(add).toThrow(/^pull secret shop\/pull is unusable: (?!.*c4n4ry)/);
  });
});

describe("matchesLabel", () => {
  it("says the same as a regular expression", () => {
    const letters = fc.constantFrom(..."ab*?");
    fc.assert(
      fc.property(
        fc.string({ unit: letters, maxLength: 8 }),
        fc.string({ unit: fc.constantFrom(..."ab"), maxLength: 8 }),
        (pattern, label) => {
          const expression = new RegExp(`^${pattern.replaceAll("*", ".*").replaceAll("?", ".")}$`);
          expect(matchesLabel(pattern, label)).toBe(expression.test(label));
        },
      ),
      { numRuns: 2_000 },
    );
  });

  it("is quick with a pattern that makes regular expressions slow", () => {
    expect(matchesLabel(`${"*a".repeat(60)}b`, "a".repeat(250))).toBe(false);
  });
});
