import { inspect } from "node:util";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Redactor, redactText, Secret } from "../../../src/registry/secret.ts";

describe("Secret", () => {
  it("prints as stars, however it is printed", () => {
    const secret = new Secret("hunter2hunter2");
    for (const printed of [
      `${secret}`,
      String(secret),
      JSON.stringify({ secret }),
      inspect({ secret }, { depth: 9 }),
    ]) {
      expect(printed).not.toContain("hunter2");
      expect(printed).toContain("***");
    }
    expect(secret.reveal()).toBe("hunter2hunter2");
  });
});

describe("redactText", () => {
  it.each([
    ["Authorization: Basic dXNlcjpwYXNzd29yZA==", "dXNlcjpwYXNz"],
    ['{"authorization":"Bearer abcdefghijkl"}', "abcdefghijkl"],
    ["Proxy-Authorization: Digest username=canary", "canary"],
    ["sent bearer c4n4ry.c4n4ry to it", "c4n4ry"],
    ["https://bucket.s3.amazonaws.com/x?X-Amz-Signature=c4n4ry&X-Amz-Expires=1", "c4n4ry"],
    ["https://bucket.s3.amazonaws.com/x?X-Amz-Credential=c4n4ry%2F2026", "c4n4ry"],
    ["https://store.blob.core.windows.net/x?se=2026&sig=c4n4ry%3D", "c4n4ry"],
    ["https://production.cloudflare.docker.com/x?verify=c4n4ry-x", "c4n4ry"],
    ["https://d1.cloudfront.net/x?Expires=1&Signature=c4n4ry&Key-Pair-Id=APKA", "c4n4ry"],
    ["https://storage.googleapis.com/x?X-Goog-Signature=c4n4ry", "c4n4ry"],
    ['{"token":"c4n4ry","expires_in":60}', "c4n4ry"],
    ['{"access_token": "c4n4ry"}', "c4n4ry"],
    ["grant_type=refresh_token&refresh_token=c4n4ry", "c4n4ry"],
    ["https://user:c4n4ry@registry.example/v2/", "c4n4ry"],
    ["got eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJ4In0.c4n4ry", "c4n4ry"],
    ["the id-token-eyJhbGciOiJSUzI1NiJ9.c4n4ry", "c4n4ry"],
    ["1https://user:c4n4ry@registry.example/v2/", "c4n4ry"],
  ])("cleans %s", (text, canary) => {
    const cleaned = redactText(text);
    expect(cleaned).not.toContain(canary);
    expect(cleaned).toContain("***");
  });

  it.each([
    ["a long word", "a"],
    ["an address without end", "a://b"],
    ["beginnings of tokens", "-eyJ"],
    ["tokens that are cut off", "-eyJa."],
    ["names of secrets", " token authorization bearer"],
    ["blanks after a name", "token "],
  ])("takes no longer for %s than for other text", (_, part) => {
    const text = part.repeat(Math.ceil(256_000 / part.length));
    const started = performance.now();
    redactText(text);
    redactText(`${part}${" ".repeat(256_000)}`);
    expect(performance.now() - started).toBeLessThan(2_000);
  });

  it.each([
    "registry ghcr.io answered 404 for manifest ghcr.io/team/app:1: manifest unknown",
    "https://registry.example/v2/library/nginx/manifests/latest?ns=docker.io",
    "repository:library/nginx:pull,push",
    `sha256:${"ab".repeat(32)}`,
    "a basic setup",
  ])("leaves %s", (text) => {
    expect(redactText(text)).toBe(text);
  });
});

describe("Redactor", () => {
  it("cleans what it was told of in every form it travels in", () => {
    const redactor = new Redactor();
    redactor.addCredential({ username: "robot$ci", password: 'p/ss "w+rd', identityToken: "refresh-me" });
    const forms = [
      'p/ss "w+rd',
      encodeURIComponent('p/ss "w+rd'),
      JSON.stringify('p/ss "w+rd').slice(1, -1),
      Buffer.from('robot$ci:p/ss "w+rd').toString("base64"),
      Buffer.from('robot$ci:p/ss "w+rd').toString("base64url"),
      "refresh-me",
    ];
    const cleaned = redactor.redact(forms.map((form) => `<${form}>`).join(" and "));
    expect(cleaned).toBe(forms.map(() => "<***>").join(" and "));
  });

  it("cleans a secret that contains another", () => {
    const redactor = new Redactor();
    redactor.add("abcd");
    redactor.add("abcdef");
    expect(redactor.redact("x abcdef y")).toBe("x *** y");
  });

  it("leaves no registered secret in any text", () => {
    fc.assert(
      fc.property(
        fc.string({ minLength: 6, maxLength: 20, unit: fc.constantFrom(..."QXZ%+/= ") }),
        fc.string(),
        fc.string(),
        (secret, before, after) => {
          const redactor = new Redactor();
          redactor.add(secret);
          expect(redactor.redact(before + secret + after).includes(secret)).toBe(false);
        },
      ),
    );
  });
});
