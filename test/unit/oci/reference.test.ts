import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { digestOf } from "../../../src/oci/digest.ts";
import {
  canonicalHost,
  formatReference,
  manifestReference,
  parseReference,
  parseReferenceBelow,
  tryParseReference,
} from "../../../src/oci/reference.ts";

const digest = digestOf("x");

describe("parseReferenceBelow", () => {
  it.each([
    ["shop:1", "registry.example/team", "registry.example/team/shop:1"],
    ["web/shop", "registry.example/team", "registry.example/team/web/shop:latest"],
    ["shop:1@DIGEST", "localhost:5000", "localhost:5000/shop:1@DIGEST"],
    ["shop", "docker.io", "docker.io/library/shop:latest"],
    ["ghcr.io/a/b:1", "registry.example/team", "ghcr.io/a/b:1"],
    ["localhost/a:1", "registry.example", "localhost/a:1"],
    ["shop:1", undefined, "docker.io/library/shop:1"],
  ])("reads %s below %s", (text, base, full) => {
    expect(formatReference(parseReferenceBelow(text.replace("DIGEST", digest), base))).toBe(
      full.replace("DIGEST", digest),
    );
  });
});

describe("parseReference", () => {
  it.each([
    ["nginx", "docker.io/library/nginx:latest"],
    ["nginx:1.27", "docker.io/library/nginx:1.27"],
    ["bitnami/redis:7", "docker.io/bitnami/redis:7"],
    ["index.docker.io/library/nginx:1", "docker.io/library/nginx:1"],
    ["registry-1.docker.io/nginx", "docker.io/library/nginx:latest"],
    ["ghcr.io/a/b/c:v1", "ghcr.io/a/b/c:v1"],
    ["localhost/a:1", "localhost/a:1"],
    ["localhost:5000/a", "localhost:5000/a:latest"],
    ["registry.example:5000/a/b@DIGEST", "registry.example:5000/a/b@DIGEST"],
    ["quay.io/a/b:1@DIGEST", "quay.io/a/b:1@DIGEST"],
    ["GHCR.IO/a/b:1", "ghcr.io/a/b:1"],
    ["[::1]:5000/a:1", "[::1]:5000/a:1"],
    ["a__b/c--d.e:_x", "docker.io/a__b/c--d.e:_x"],
  ])("reads %s", (text, full) => {
    expect(formatReference(parseReference(text.replace("DIGEST", digest)))).toBe(full.replace("DIGEST", digest));
  });

  it.each([
    "",
    ":",
    "a:",
    "a/B",
    "nginx:bad tag",
    "nginx@sha256:short",
    "nginx@sha512:abc",
    "-host.example/a",
    "a//b",
    "a/../b",
    "host:99999999/a",
    "host:99999/a",
    "host:0/a",
    "ghcr.io/",
    "a b",
    "a\nb",
    "nginx:1.0:2",
    "{{ .Values.image }}",
    `nginx:${"x".repeat(129)}`,
  ])("refuses %j", (text) => {
    expect(tryParseReference(text)).toBeUndefined();
    expect(() => parseReference(text)).toThrow(/is not an image reference/);
  });

  it.each([
    ["docker://ghcr.io/a:1", "leave out docker://"],
    ["https://ghcr.io/a:1", "leave out https://"],
    ["./shop.tar", "only `kubefile diff` reads a file"],
    ["/tmp/shop.tar", "only `kubefile diff` reads a file"],
    ["oci-archive:../shop.tar", "only `kubefile diff` reads a file"],
    ["ghcr.io/Shop:1", "in lower case"],
  ])("tells what to write in place of %s", (text, hint) => {
    expect(() => parseReference(text)).toThrow(expect.objectContaining({ hint: expect.stringContaining(hint) }));
  });

  it("reads its own full form unchanged", () => {
    const name = fc.stringMatching(/^[a-z0-9]{1,8}(-[a-z0-9]{1,4})?(\/[a-z0-9]{1,8}){0,3}$/);
    const tag = fc.stringMatching(/^[a-zA-Z0-9_][a-zA-Z0-9_.-]{0,20}$/);
    fc.assert(
      fc.property(
        fc.constantFrom("", "ghcr.io/", "r.example:5000/"),
        name,
        fc.option(tag),
        fc.boolean(),
        (host, path, tagText, pinned) => {
          const text = `${host}${path}${tagText === null ? "" : `:${tagText}`}${pinned ? `@${digest}` : ""}`;
          const full = formatReference(parseReference(text));
          expect(formatReference(parseReference(full))).toBe(full);
        },
      ),
    );
  });

  it("asks a registry for the digest where there is one", () => {
    expect(manifestReference(parseReference(`a/b:1@${digest}`))).toBe(digest);
    expect(manifestReference(parseReference("a/b:1"))).toBe("1");
  });

  it("knows Docker Hub's other names", () => {
    expect(["docker.io", "INDEX.docker.io", "registry-1.docker.io"].map(canonicalHost)).toEqual(
      Array(3).fill("docker.io"),
    );
  });
});
