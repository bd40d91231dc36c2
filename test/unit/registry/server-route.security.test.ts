import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { isDigest } from "../../../src/oci/digest.ts";
import { isRepositoryPath, isTag } from "../../../src/oci/reference.ts";
import { RegistryError } from "../../../src/registry/errors.ts";
import { parseRoute } from "../../../src/registry/server-route.ts";

const hex = "a".repeat(64);
const digest = `sha256:${hex}`;

function codeOf(target: string): string {
  try {
    return JSON.stringify(parseRoute(target));
  } catch (error) {
    if (!(error instanceof RegistryError)) throw error;
    return `${error.status} ${error.code}`;
  }
}

describe("well-formed targets", () => {
  test.each([
    ["/v2/", { kind: "ping" }],
    ["/v2", { kind: "ping" }],
    [
      "/v2/library/nginx/manifests/1.27?ns=docker.io",
      { kind: "manifest", repository: { host: "docker.io", path: "library/nginx" }, reference: "1.27" },
    ],
    [
      "/v2/nginx/manifests/1.27?ns=registry-1.docker.io",
      { kind: "manifest", repository: { host: "docker.io", path: "library/nginx" }, reference: "1.27" },
    ],
    [
      `/v2/web/blobs/${digest}?ns=127.0.0.1%3A5000`,
      { kind: "blob", repository: { host: "127.0.0.1:5000", path: "web" }, digest },
    ],
    [
      `/v2/web/blobs/sha256%3A${hex}?ns=Registry.Example`,
      { kind: "blob", repository: { host: "registry.example", path: "web" }, digest },
    ],
    [
      "/v2/a/manifests/b/manifests/c?ns=r.example",
      { kind: "manifest", repository: { host: "r.example", path: "a/manifests/b" }, reference: "c" },
    ],
    [
      "/v2/a/b/c/d/e/manifests/latest?ns=%5B%3A%3A1%5D%3A5000",
      { kind: "manifest", repository: { host: "[::1]:5000", path: "a/b/c/d/e" }, reference: "latest" },
    ],
    [
      `/v2/web/referrers/${digest}?artifactType=x&ns=ghcr.io`,
      { kind: "referrers", repository: { host: "ghcr.io", path: "web" }, digest },
    ],
  ])("%s", (target, route) => {
    expect(parseRoute(target)).toEqual(route);
  });

  test("a client that knows no ns means the default", () => {
    expect(parseRoute("/v2/web/manifests/1", "quay.io")).toMatchObject({
      repository: { host: "quay.io", path: "web" },
    });
  });
});

describe("hostile registry names", () => {
  test.each([
    "a@b",
    "user:password@host",
    "x/../y",
    "x/y",
    "host:22:33",
    "host:0",
    "host:99999",
    "host:",
    "host:port",
    "",
    " ",
    "%20docker.io",
    "docker.io%0d%0aHost:%20evil",
    "docker.io%00",
    "docker.io%2f..",
    "docker.io?x",
    "-docker.io",
    "docker..io",
    "docker.io.",
    "::1",
    "[::1",
    "http://docker.io",
    "docker.io%23",
    "d%C3%B6cker.io",
    `${"a".repeat(300)}.io`,
  ])("ns=%s", (ns) => {
    expect(codeOf(`/v2/web/manifests/1?ns=${ns}`)).toBe("400 NAME_INVALID");
  });

  test.each(["", "?", "?ns", "?namespace=docker.io"])("no ns in %o", (query) => {
    expect(codeOf(`/v2/web/manifests/1${query}`)).toBe("400 NAME_INVALID");
  });

  test("two of them", () => {
    expect(codeOf("/v2/web/manifests/1?ns=docker.io&ns=169.254.169.254")).toBe("400 NAME_INVALID");
  });
});

describe("hostile paths", () => {
  test.each([
    ["/v2/../manifests/1", "400 NAME_INVALID"],
    ["/v2/a/../b/manifests/1", "400 NAME_INVALID"],
    ["/v2/%2e%2e/manifests/1", "400 NAME_INVALID"],
    ["/v2/a%2fb/manifests/1", "400 NAME_INVALID"],
    ["/v2/a%00/manifests/1", "400 NAME_INVALID"],
    ["/v2/a%/manifests/1", "400 NAME_INVALID"],
    ["/v2/a%ff/manifests/1", "400 NAME_INVALID"],
    ["/v2/A/manifests/1", "400 NAME_INVALID"],
    ["/v2//manifests/1", "400 NAME_INVALID"],
    ["/v2/a//b/manifests/1", "400 NAME_INVALID"],
    ["/v2/.a/manifests/1", "400 NAME_INVALID"],
    [`/v2/${"a/".repeat(200)}b/manifests/1`, "400 NAME_INVALID"],
    ["/v2/a/manifests/", "400 DIGEST_INVALID"],
    ["/v2/a/manifests/..", "400 DIGEST_INVALID"],
    ["/v2/a/manifests/%2e%2e", "400 DIGEST_INVALID"],
    ["/v2/a/manifests/sha256:..%2f..%2fx", "400 DIGEST_INVALID"],
    [`/v2/a/manifests/${"t".repeat(129)}`, "400 DIGEST_INVALID"],
    ["/v2/a/blobs/latest", "400 DIGEST_INVALID"],
    ["/v2/a/blobs/sha256:../../x", "404 UNSUPPORTED"],
    ["/v2/a/blobs/sha256:%2e%2e%2f%2e%2e%2fx", "400 DIGEST_INVALID"],
    [`/v2/a/blobs/sha256:${hex.toUpperCase()}`, "400 DIGEST_INVALID"],
    [`/v2/a/blobs/SHA256:${hex}`, "400 DIGEST_INVALID"],
    [`/v2/a/blobs/sha256:${hex.slice(1)}`, "400 DIGEST_INVALID"],
    [`/v2/a/blobs/sha256:${hex}a`, "400 DIGEST_INVALID"],
    [`/v2/a/blobs/sha256:${hex}%0a`, "400 DIGEST_INVALID"],
    [`/v2/a/blobs/sha256:${hex}%00`, "400 DIGEST_INVALID"],
    [`/v2/a/blobs/sha512:${hex}${hex}`, "400 DIGEST_INVALID"],
    [`/v2/a/blobs/md5:${hex}`, "400 DIGEST_INVALID"],
    ["/v2/a/blobs/uploads/", "404 UNSUPPORTED"],
    ["/v2/a/tags/list", "404 UNSUPPORTED"],
    ["/v2/_catalog", "404 UNSUPPORTED"],
    ["/v1/a/manifests/1", "404 UNSUPPORTED"],
    ["/", "404 UNSUPPORTED"],
    ["//v2/a/manifests/1", "404 UNSUPPORTED"],
    ["/etc/passwd", "404 UNSUPPORTED"],
    ["http://169.254.169.254/v2/a/manifests/1", "400 UNSUPPORTED"],
    ["*", "400 UNSUPPORTED"],
    ["", "400 UNSUPPORTED"],
  ])("%s", (target, code) => {
    expect(codeOf(`${target}?ns=docker.io`)).toBe(code);
  });

  test("whatever the target, a route is well-formed in every part", () => {
    const piece = fc.oneof(
      fc.constantFrom(
        "v2",
        "a",
        "manifests",
        "blobs",
        "..",
        ".",
        "",
        digest,
        "latest",
        "%2e%2e",
        "%2f",
        "?ns=a.b",
        "&",
      ),
      fc.string({ maxLength: 8 }),
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 8 }), (pieces) => {
        try {
          const route = parseRoute(`/v2/${pieces.join("/")}`, "docker.io");
          if (route.kind === "ping") return;
          expect(isRepositoryPath(route.repository.path)).toBe(true);
          expect(route.repository.host).toMatch(/^[a-z0-9.:[\]-]+$/);
          if (route.kind === "manifest") expect(isTag(route.reference) || isDigest(route.reference)).toBe(true);
          else expect(isDigest(route.digest)).toBe(true);
        } catch (error) {
          expect(error).toBeInstanceOf(RegistryError);
        }
      }),
      { numRuns: 2_000 },
    );
  });
});
