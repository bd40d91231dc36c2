import { expect, it } from "vitest";
import { exclusionOf } from "../../../src/capture/exclusion.ts";
import { digestOf } from "../../../src/oci/digest.ts";
import { parseReference } from "../../../src/oci/reference.ts";

const pinned = `ghcr.io/shop/web:1@${digestOf("x")}`;

it.each([
  ["nginx", "nginx:1.27", true],
  ["nginx", "bitnami/nginx:1", false],
  ["nginx:1.*", "nginx:1.27", true],
  ["docker.io/library/nginx:1.27", "nginx:1.27", true],
  ["bitnami/*", "docker.io/bitnami/redis:7", true],
  ["ghcr.io/*", "ghcr.io/shop/web:1", false],
  ["ghcr.io/**", "ghcr.io/shop/web:1", true],
  ["**/web", "ghcr.io/shop/web:1", true],
  ["ghcr.io/shop/web:1", pinned, true],
  ["ghcr.io/shop/web", pinned, true],
  [pinned, pinned, true],
  [pinned, "ghcr.io/shop/web:1", false],
  ["registry.example:5000/**", "registry.example:5000/a/b:1", true],
  ["!ghcr.io/**", "quay.io/a:1", false],
])("pattern %s on %s: %s", (pattern, image, expected) => {
  expect(exclusionOf([pattern])(parseReference(image))).toBe(expected);
});

it("keeps nothing out without patterns", () => {
  expect(exclusionOf([])(parseReference("nginx"))).toBe(false);
});
