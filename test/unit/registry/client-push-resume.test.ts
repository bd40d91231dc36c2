import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { Readable } from "node:stream";
import { describe, expect, it } from "vitest";
import { digestOf } from "../../../src/oci/digest.ts";
import type { BlobSource, PushOptions, RegistryClient } from "../../../src/registry/types.ts";
import { keepUploads } from "../../../src/store/kept-uploads.ts";
import { disposal } from "../../support/disposal.ts";
import { temporaryDirectory } from "../../support/sample-images.ts";
import { type CutUpload, startUploadRegistry, type UploadRegistry } from "../../support/upload-registry.ts";
import { upstreamClient } from "../../support/upstream-client.ts";

const closing = disposal();
const SIZE = 3 * 1024 * 1024;
const bytes = Buffer.alloc(SIZE, "layer");
const cutAt = 2 * 1024 * 1024;

/** Says from which byte on it was read. */
function source(size = SIZE): BlobSource & { readonly offsets: readonly number[] } {
  const offsets: number[] = [];
  return {
    digest: digestOf(bytes.subarray(0, size)),
    size,
    open: async (offset) => {
      offsets.push(offset);
      return Readable.from(chunks(offset, size));
    },
    offsets,
  };
}

function* chunks(from: number, to: number): Generator<Buffer> {
  for (let at = from; at < to; at += 65_536) yield bytes.subarray(at, Math.min(to, at + 65_536));
}

async function start(cut?: CutUpload) {
  const registry = closing(await startUploadRegistry(cut));
  const client = closing(upstreamClient());
  const repository = { host: registry.host, path: "team/app" };
  const push = (blob: BlobSource, options: PushOptions = {}): ReturnType<RegistryClient["pushBlob"]> =>
    client.pushBlob(repository, blob, options);
  return { registry, push, repository };
}

function expectWhole(registry: UploadRegistry, size = SIZE): void {
  expect(registry.blobs.get(digestOf(bytes.subarray(0, size)))?.byteLength).toBe(size);
}

describe("an upload that is cut", () => {
  it("goes on where the registry has come to", async () => {
    const { registry, push } = await start("told");
    registry.cutAfter(cutAt);
    const blob = source();
    const resumed: number[] = [];
    const positions: number[] = [];
    const outcome = await push(blob, { onResume: (at) => resumed.push(at), onProgress: (at) => positions.push(at) });
    expect(outcome).toBe("uploaded");
    expect(registry.requests).toEqual([
      "HEAD team/app/blobs/DIGEST 404",
      "POST team/app/blobs/uploads/ 202",
      `PUT team/app/blobs/uploads/ ${cutAt} bytes, cut`,
      "HEAD team/app/blobs/DIGEST 404",
      "GET team/app/blobs/uploads/ 204",
      `PUT team/app/blobs/uploads/ ${SIZE - cutAt} bytes at ${cutAt}`,
    ]);
    expect(blob.offsets).toEqual([0, cutAt]);
    expect(resumed).toEqual([cutAt]);
    expect(positions.at(-1)).toBe(SIZE);
    expectWhole(registry);
  });

  it("needs but an empty PUT when all of it had come", async () => {
    const { registry, push } = await start("told");
    registry.cutAfter(SIZE);
    const blob = source();
    await push(blob);
    expect(registry.requests.at(-1)).toBe("PUT team/app/blobs/uploads/ 0 bytes");
    expect(blob.offsets).toEqual([0]);
    expectWhole(registry);
  });

  it("may be cut any number of times, as long as it gets on", async () => {
    const { registry, push } = await start("told");
    const size = SIZE;
    const step = 1024 * 1024;
    // Without getting on, four tries are all there are.
    registry.cutAfter(step, 0, 0, step, 0, 0, 10);
    await push(source(size));
    expect(registry.requests.filter((line) => line.includes("PUT"))).toHaveLength(8);
    expectWhole(registry);
  });

  it("is given up when it does not get on", async () => {
    const { registry, push } = await start("told");
    registry.cutAfter(10, 10, 10, 10, 10);
    await expect(push(source())).rejects.toMatchObject({ name: "RegistryError", status: 502 });
    expect(registry.requests.filter((line) => line.includes("PUT"))).toHaveLength(4);
  });

  it.each<[CutUpload, string[]]>([
    ["thrown away", ["GET team/app/blobs/uploads/ 404"]],
    [
      "rest refused",
      ["GET team/app/blobs/uploads/ 204", "PUT team/app/blobs/uploads/ 416", "HEAD team/app/blobs/DIGEST 404"],
    ],
    [
      "garbled",
      [
        "GET team/app/blobs/uploads/ 204",
        `PUT team/app/blobs/uploads/ ${SIZE - cutAt} bytes at ${cutAt}`,
        "HEAD team/app/blobs/DIGEST 404",
      ],
    ],
  ])("is sent anew when it was %s", async (cut, between) => {
    const { registry, push } = await start(cut);
    registry.cutAfter(cutAt);
    expect(await push(source())).toBe("uploaded");
    expect(registry.requests.slice(3)).toEqual([
      "HEAD team/app/blobs/DIGEST 404",
      ...between,
      "POST team/app/blobs/uploads/ 202",
      `PUT team/app/blobs/uploads/ ${SIZE} bytes`,
    ]);
    expectWhole(registry);
  });

  it("is not asked about when it is small", async () => {
    const { registry, push } = await start("told");
    registry.cutAfter(1000);
    await push(source(1024 * 1024 - 1));
    expect(registry.requests.filter((line) => line.startsWith("GET"))).toEqual([]);
    expectWhole(registry, 1024 * 1024 - 1);
  });
});

describe("an upload that another process began", () => {
  /** A process that is stopped while it waits for its next try. */
  async function interrupted(parts: Awaited<ReturnType<typeof start>>, directory: string): Promise<void> {
    const { registry, repository } = parts;
    const patient = closing(upstreamClient({ limits: { backoff: 60_000 } }));
    const stop = new AbortController();
    registry.cutAfter(cutAt);
    const pushed = patient.pushBlob(repository, source(), { keptUploads: keepUploads(directory), signal: stop.signal });
    const ended = expect(pushed).rejects.toMatchObject({ code: "CANCELLED" });
    await expect.poll(() => registry.requests.at(-1)).toMatch(/cut$/);
    stop.abort();
    await ended;
  }

  it("is gone on with", async () => {
    const parts = await start("told");
    const { registry, push } = parts;
    const directory = await temporaryDirectory();
    await interrupted(parts, directory);
    const before = registry.requests.length;
    await push(source(), { keptUploads: keepUploads(directory) });
    expect(registry.requests.slice(before)).toEqual([
      "HEAD team/app/blobs/DIGEST 404",
      "GET team/app/blobs/uploads/ 204",
      `PUT team/app/blobs/uploads/ ${SIZE - cutAt} bytes at ${cutAt}`,
    ]);
    expectWhole(registry);
    expect(await readdir(join(directory, "uploads"))).toEqual([]);
  });

  it("is begun anew when the registry has forgotten it", async () => {
    const parts = await start("thrown away");
    const { registry, push } = parts;
    const directory = await temporaryDirectory();
    await interrupted(parts, directory);
    await push(source(), { keptUploads: keepUploads(directory) });
    expect(registry.requests.slice(-3)).toEqual([
      "GET team/app/blobs/uploads/ 404",
      "POST team/app/blobs/uploads/ 202",
      `PUT team/app/blobs/uploads/ ${SIZE} bytes`,
    ]);
    expectWhole(registry);
  });
});
