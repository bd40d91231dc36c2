import { expect, test } from "vitest";
import { buildctlArguments, buildxArguments } from "../../../src/builders/buildkit.ts";
import { kanikoArguments } from "../../../src/builders/kaniko.ts";
import type { ImageBuild } from "../../../src/builders/types.ts";

const build: ImageBuild = {
  reference: { host: "registry.example", path: "shop/web", tag: "dev" },
  context: "/work/web",
  dockerfile: "docker/Dockerfile",
  shown: "web/docker/Dockerfile",
  target: "production",
  arguments: new Map([["VERSION", "1 4"]]),
};
const use = { platform: { os: "linux", architecture: "arm64" }, epoch: 86_400 };
const plain: ImageBuild = { ...build, dockerfile: "Dockerfile", target: undefined, arguments: new Map() };

test("buildctl is told by options, and writes to its standard output", () => {
  expect(buildctlArguments(build, use)).toEqual([
    ...["build", "--progress", "plain", "--frontend", "dockerfile.v0"],
    ...["--local", "context=/work/web", "--local", "dockerfile=/work/web/docker"],
    ...["--opt", "filename=Dockerfile", "--opt", "platform=linux/arm64", "--opt", "target=production"],
    ...["--opt", "build-arg:SOURCE_DATE_EPOCH=86400", "--opt", "build-arg:VERSION=1 4"],
    ...["--output", "type=oci,rewrite-timestamp=true"],
  ]);
});

test("docker buildx makes no attestation, which would differ each time", () => {
  expect(buildxArguments(build, use)).toEqual([
    ...["buildx", "build", "--progress", "plain", "--platform", "linux/arm64"],
    ...["--file", "/work/web/docker/Dockerfile", "--target", "production"],
    ...["--build-arg", "SOURCE_DATE_EPOCH=86400", "--build-arg", "VERSION=1 4"],
    ...["--provenance=false", "--sbom=false", "--output", "type=oci,rewrite-timestamp=true,dest=-", "/work/web"],
  ]);
});

test("kaniko reads its context from its input, and pushes nothing", () => {
  expect(kanikoArguments(build, use)).toEqual([
    ...["--context", "tar://stdin", "--dockerfile", "/kaniko/buildcontext/docker/Dockerfile"],
    ...["--custom-platform", "linux/arm64", "--credential-helpers="],
    ...["--target", "production", "--build-arg", "SOURCE_DATE_EPOCH=86400", "--build-arg", "VERSION=1 4"],
    ...["--destination", "registry.example/shop/web:dev", "--no-push", "--reproducible"],
    ...["--oci-layout-path", "/kaniko/layout"],
  ]);
});

test("what is not asked for is not said", () => {
  for (const words of [buildctlArguments(plain, use), buildxArguments(plain, use), kanikoArguments(plain, use)]) {
    expect(words.join(" ")).not.toMatch(/target|VERSION/);
  }
});

test("a value of ARG that names what another flag means is a value still", () => {
  const odd = { ...plain, arguments: new Map([["X", "--output type=local,dest=/"]]) };
  expect(buildxArguments(odd, use)).toContain("X=--output type=local,dest=/");
  expect(buildctlArguments(odd, use)).toContain("build-arg:X=--output type=local,dest=/");
  expect(kanikoArguments(odd, use)).toContain("X=--output type=local,dest=/");
});
