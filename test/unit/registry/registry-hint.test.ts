import { describe, expect, test } from "vitest";
import type { RegistryErrorCode } from "../../../src/registry/errors.ts";
import { type RegistryPurpose, registryHint } from "../../../src/registry/registry-hint.ts";

describe("registryHint", () => {
  test.each<[number | undefined, RegistryErrorCode, RegistryPurpose, string]>([
    [401, "UNAUTHORIZED", "image", "docker login ghcr.io), or let the launch apply an imagePullSecret"],
    [403, "DENIED", "fetch", "log in with docker login ghcr.io, and check that you may read there"],
    [403, "DENIED", "push", "log in with docker login ghcr.io, and check that you may write there"],
    [404, "MANIFEST_UNKNOWN", "image", "check the name and the tag, or push the image first"],
    [404, "MANIFEST_UNKNOWN", "fetch", "check the name and the tag"],
    [404, "NAME_UNKNOWN", "push", "create the repository in ghcr.io first"],
    [413, "SIZE_INVALID", "push", "raise the limit of ghcr.io"],
    [429, "TOOMANYREQUESTS", "image", "--mirror ghcr.io=URL"],
    [502, "UNKNOWN", "image", "check that ghcr.io can be reached from where the build runs"],
    [504, "UNKNOWN", "fetch", "check that ghcr.io can be reached, and try again"],
    [503, "UNKNOWN", "push", "blobs that arrived are not sent twice"],
    [undefined, "UNKNOWN", "image", "check that ghcr.io can be reached"],
  ])("%s %s while wanting to %s", (status, code, purpose, hint) => {
    expect(registryHint({ status, code, words: "no" }, "ghcr.io", purpose)).toContain(hint);
  });

  test.each([
    ["it does not speak TLS", "name it: --insecure intern:5000"],
    ["self-signed certificate in certificate chain", "in NODE_EXTRA_CA_CERTS"],
    ["unable to verify the first certificate", "in NODE_EXTRA_CA_CERTS"],
    ["unable to get local issuer certificate", "in NODE_EXTRA_CA_CERTS"],
    ["400 for blob: perhaps it speaks TLS", "take it out of --insecure"],
    ["Client sent an HTTP request to an HTTPS server.", "--mirror intern:5000=https://intern:5000"],
    ["certificate has expired", "check that intern:5000 can be reached"],
  ])("a connection that is not trusted: %s", (words, hint) => {
    expect(registryHint({ status: 502, words }, "intern:5000", "push")).toContain(hint);
  });

  test("whoever names no registry is told which one was asked", () => {
    const hint = (purpose: RegistryPurpose) => registryHint({ status: 404, words: "no" }, "docker.io", purpose);
    expect(hint("fetch")).toContain("a name without a registry is one of docker.io");
    expect(hint("image")).not.toContain("without a registry");
  });

  test("an image that no login makes whole is to be replaced", () => {
    const words = "ghcr.io/shop/web@sha256:1 has a foreign layer (sha256:2), which is fetched from elsewhere";
    expect(registryHint({ status: 403, words }, "ghcr.io", "image")).toContain("without foreign layers");
  });

  test("a private address asks to be named, whatever the status says", () => {
    const words = "refused to connect for manifest intern/shop:1: intern is at 10.0.0.1, not a public address";
    for (const purpose of ["image", "fetch", "push"] as const) {
      expect(registryHint({ status: 403, words }, "intern:5000", purpose)).toContain("--insecure intern:5000");
    }
  });
});
