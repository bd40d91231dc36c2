import { Readable } from "node:stream";
import { expect, test } from "vitest";
import { digestOf } from "../../../src/oci/digest.ts";
import { formatRepository, type Repository } from "../../../src/oci/reference.ts";
import { grantedUpstream } from "../../../src/registry/granted-upstream.ts";
import type { RequestOptions, Upstream } from "../../../src/registry/types.ts";

const digest = digestOf("content");
const locked = { host: "private.test", path: "billing/app" };
const billing = { username: "billing", password: "quarterly-figures-7" };
const node = { username: "node", password: "presented" };

/** Answers everything, and notes with which credentials it was asked. */
function registries(): { readonly upstream: Upstream; readonly asked: string[] } {
  const asked: string[] = [];
  const note = (what: string, repository: Repository, { credentials = [] }: RequestOptions): void => {
    asked.push([what, formatRepository(repository), ...credentials.map(({ username }) => username)].join(" "));
  };
  const upstream: Upstream = {
    async resolve(repository, _reference, options) {
      note("resolve", repository, options);
      return { mediaType: "", digest, size: 7 };
    },
    async manifest(repository, _reference, options) {
      note("manifest", repository, options);
      return { mediaType: "", digest, bytes: Buffer.from("content") };
    },
    async blob(repository, _digest, options) {
      note("blob", repository, options);
      return { size: 7, stream: Readable.from([Buffer.from("content")]) };
    },
    async hasBlob(repository, _digest, options) {
      note("hasBlob", repository, options);
      return { size: 7 };
    },
  };
  return { upstream, asked };
}

async function askAll(upstream: Upstream, repository: Repository, options: RequestOptions = {}): Promise<void> {
  await upstream.resolve(repository, "1", options);
  await upstream.manifest(repository, "1", options);
  await upstream.blob(repository, digest, options);
  await upstream.hasBlob(repository, digest, options);
}

test("what was granted goes with every request about the repository, after what the request has of its own", async () => {
  const { upstream, asked } = registries();
  const granted = grantedUpstream(upstream);
  granted.grant(locked, [billing]);
  await askAll(granted, locked, { credentials: [node] });
  expect(asked).toEqual(
    ["resolve", "manifest", "blob", "hasBlob"].map((what) => `${what} private.test/billing/app node billing`),
  );
});

test.each([
  { host: "private.test", path: "billing/application" },
  { host: "private.test", path: "billing" },
  { host: "private.test:443", path: "billing/app" },
  { host: "docker.io", path: "billing/app" },
])("and with none about $host/$path", async (repository) => {
  const { upstream, asked } = registries();
  const granted = grantedUpstream(upstream);
  granted.grant(locked, [billing]);
  await askAll(granted, repository);
  expect(asked.filter((line) => line.includes("billing ") || line.endsWith(" billing"))).toEqual([]);
  expect(asked).toHaveLength(4);
});
