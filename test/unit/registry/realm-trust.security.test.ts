import { describe, expect, it } from "vitest";
import { isSameSite, isTrustedRealm, registrableDomain } from "../../../src/registry/realm-trust.ts";

describe("isTrustedRealm", () => {
  it.each([
    ["https://registry-1.docker.io", "https://auth.docker.io/token"],
    ["https://registry.gitlab.com", "https://gitlab.com/jwt/auth"],
    ["https://ghcr.io", "https://ghcr.io/token"],
    ["https://quay.io", "https://quay.io/v2/auth"],
    ["https://me.azurecr.io", "https://me.azurecr.io/oauth2/token"],
    ["https://registry.corp.example", "https://login.corp.example/token"],
    ["https://registry.corp.co.uk", "https://auth.corp.co.uk/token"],
    ["https://registry.example:5000", "https://registry.example:5001/token"],
    ["https://10.0.0.5:5000", "https://10.0.0.5/token"],
    ["http://127.0.0.1:5000", "http://127.0.0.1:5001/token"],
    ["http://registry.lan:5000", "https://registry.lan/token"],
  ])("%s may send credentials to %s", (registry, realm) => {
    expect(isTrustedRealm(new URL(registry), new URL(realm))).toBe(true);
  });

  it.each([
    ["another domain", "https://registry.example.com", "https://evil.example.net/token"],
    ["a suffix of the name", "https://example.com", "https://notexample.com/token"],
    ["the name as a prefix", "https://registry.example.com", "https://registry.example.com.evil.net/token"],
    ["plain http", "https://registry.example.com", "http://registry.example.com/token"],
    ["another tenant", "https://me.azurecr.io", "https://you.azurecr.io/token"],
    ["another bucket", "https://a.dkr.ecr.eu-west-1.amazonaws.com", "https://evil.s3.amazonaws.com/token"],
    ["another owner below a country", "https://registry.one.co.uk", "https://registry.two.co.uk/token"],
    ["another address", "https://10.0.0.5", "https://10.0.0.6/token"],
    ["an address of the same tail", "https://1.10.0.5", "https://2.10.0.5/token"],
    ["another single label", "http://registry:5000", "http://auth:5000/token"],
    ["a name in the realm", "https://registry.example.com", "https://user@registry.example.com/token"],
    ["a file", "https://registry.example.com", "file:///etc/passwd"],
    ["a file for a plain registry", "http://localhost:5000", "file://localhost/etc/passwd"],
  ])("refuses %s: %s to %s", (_what, registry, realm) => {
    expect(isTrustedRealm(new URL(registry), new URL(realm))).toBe(false);
  });
});

describe("registrableDomain", () => {
  it.each([
    ["registry-1.docker.io", "docker.io"],
    ["docker.io", "docker.io"],
    ["a.b.example.com", "example.com"],
    ["a.example.co.uk", "example.co.uk"],
    ["co.uk", undefined],
    ["a.example.com.au", "example.com.au"],
    ["me.azurecr.io", undefined],
    ["localhost", undefined],
    ["127.0.0.1", undefined],
    ["[::1]", undefined],
  ])("of %s is %s", (host, domain) => {
    expect(registrableDomain(host)).toBe(domain);
  });

  it("never makes one site of two hosts that have none", () => {
    expect(isSameSite("one.azurecr.io", "two.azurecr.io")).toBe(false);
    expect(isSameSite("ONE.azurecr.io", "one.azurecr.io")).toBe(true);
  });
});
