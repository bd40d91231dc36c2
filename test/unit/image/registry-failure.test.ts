import { describe, expect, it } from "vitest";
import { KubefileError } from "../../../src/error.ts";
import { registryFailure } from "../../../src/image/registry-failure.ts";
import { RegistryError } from "../../../src/registry/errors.ts";

describe("registryFailure", () => {
  it("names the registry, keeps its words, and says what to do", () => {
    const said = new RegistryError(403, "DENIED", "registry ghcr.io answered 403 for blob sha256:1: no push", {
      detail: "no push",
    });
    expect(registryFailure("push", "ghcr.io", said)).toMatchObject({
      code: "REGISTRY",
      message: "cannot push: registry ghcr.io answered 403 for blob sha256:1: no push",
      hint: "log in with docker login ghcr.io, and check that you may write there",
      cause: said,
    });
  });

  it("adds the registry and its words where the message lacks them", () => {
    const said = new RegistryError(502, "UNKNOWN", "the answer broke off", { detail: "upstream gone" });
    expect(registryFailure("fetch", "ghcr.io", said)).toMatchObject({
      message: "cannot fetch: ghcr.io: the answer broke off (upstream gone)",
    });
  });

  it.each([new KubefileError("CANCELLED", "cancelled"), new TypeError("x"), "text"])("leaves %s alone", (error) => {
    expect(registryFailure("push", "ghcr.io", error)).toBe(error);
  });
});
