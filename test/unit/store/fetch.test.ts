import { randomBytes } from "node:crypto";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import fc from "fast-check";
import { afterEach, describe, expect, test } from "vitest";
import { digestOf } from "../../../src/oci/digest.ts";
import { openStore } from "../../../src/store/store.ts";
import type { Store } from "../../../src/store/types.ts";
import { type Fault, type FaultyUpstream, startFaultyUpstream } from "../../support/faulty-upstream.ts";
import { temporaryDirectories } from "../../support/temporary-directory.ts";

const temporaryDirectory = temporaryDirectories();
const opened: { close(): Promise<void> }[] = [];
afterEach(async () => {
  await Promise.all(opened.splice(0).map((part) => part.close()));
});

async function newStore(): Promise<Store> {
  const store = await openStore(await temporaryDirectory());
  opened.push(store);
  return store;
}

async function upstreamOf(blob: Buffer, faults?: readonly Fault[]): Promise<FaultyUpstream> {
  const upstream = await startFaultyUpstream(blob, faults);
  opened.push(upstream);
  return upstream;
}

/** A gate that a test opens when it likes. */
function gate(): { readonly wait: () => Promise<void>; readonly open: () => void } {
  let open = (): void => undefined;
  const opening = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { wait: () => opening, open };
}

const blob = randomBytes(1_000_000);
const digest = digestOf(blob);

async function leftovers(store: Store): Promise<string[]> {
  return readdir(join(store.directory, "ingest"));
}

describe("single flight", () => {
  test("fifty readers at once make one request upstream and all get the bytes", async () => {
    const store = await newStore();
    const upstream = await upstreamOf(blob);
    const answers = await Promise.all(
      Array.from({ length: 50 }, async () => buffer((await store.fetch(digest, upstream.fetcher)).stream)),
    );
    for (const answer of answers) expect(digestOf(answer)).toBe(digest);
    expect(upstream.requests).toEqual(["whole"]);
    expect(await leftovers(store)).toEqual([]);
  });

  test("a reader that joins half way gets the whole blob from the same request", async () => {
    const store = await newStore();
    const half = gate();
    let chunks = 0;
    const upstream = await upstreamOf(blob, [{ gate: async () => (++chunks > 30 ? half.wait() : undefined) }]);
    const first = await store.fetch(digest, upstream.fetcher);
    const firstBytes = buffer(first.stream);
    while (chunks <= 30) await new Promise((resolve) => setTimeout(resolve, 5));
    const second = await store.fetch(digest, upstream.fetcher);
    const range = await store.fetch(digest, upstream.fetcher, { range: () => ({ start: 10, end: 20 }) });
    half.open();
    expect(digestOf(await firstBytes)).toBe(digest);
    expect(digestOf(await buffer(second.stream))).toBe(digest);
    expect(await buffer(range.stream)).toEqual(blob.subarray(10, 20));
    expect(upstream.requests).toHaveLength(1);
  });

  test("a stored blob is served without the source", async () => {
    const store = await newStore();
    await store.write(blob);
    const { size, stream } = await store.fetch(digest, () => Promise.reject(new Error("must not be asked")));
    expect(size).toBe(blob.byteLength);
    expect(digestOf(await buffer(stream))).toBe(digest);
  });

  test("a reader that leaves stops neither the download nor another reader", async () => {
    const store = await newStore();
    const start = gate();
    const upstream = await upstreamOf(blob, [{ gate: start.wait }]);
    const leaving = new AbortController();
    const leaver = await store.fetch(digest, upstream.fetcher, { signal: leaving.signal });
    const stayer = await store.fetch(digest, upstream.fetcher);
    leaver.stream.on("error", () => undefined);
    leaving.abort();
    start.open();
    expect(digestOf(await buffer(stayer.stream))).toBe(digest);
    expect(leaver.stream.destroyed).toBe(true);
  });

  test("the download goes on when every reader has left", async () => {
    const store = await newStore();
    const upstream = await upstreamOf(blob);
    (await store.fetch(digest, upstream.fetcher)).stream.destroy();
    await store.ensure(digest, upstream.fetcher);
    expect(await store.verify(digest)).toBe(true);
    expect(upstream.requests).toEqual(["whole"]);
  });

  test("a reader that does not read holds nobody up", async () => {
    const store = await newStore();
    const large = randomBytes(8_000_000);
    const upstream = await upstreamOf(large);
    const idle = await store.fetch(digestOf(large), upstream.fetcher);
    const busy = await store.fetch(digestOf(large), upstream.fetcher);
    expect((await buffer(busy.stream)).equals(large)).toBe(true);
    expect((await buffer(idle.stream)).equals(large)).toBe(true);
  });

  test("who waits for an answer may give up; the others get it", async () => {
    const store = await newStore();
    const start = gate();
    const fetcher = async (offset: number, signal: AbortSignal) => {
      await start.wait();
      return (await upstreamOf(blob)).fetcher(offset, signal);
    };
    const impatient = store.ensure(digest, fetcher, { signal: AbortSignal.timeout(10) });
    const patient = store.ensure(digest, fetcher);
    await expect(impatient).rejects.toThrow();
    start.open();
    expect(await patient).toEqual({ size: blob.byteLength });
  });
});

describe("wrong bytes", () => {
  test("no reader completes, nothing is stored, a later request starts from zero", async () => {
    const store = await newStore();
    const upstream = await upstreamOf(blob, [{ flip: 500 }]);
    const readers = await Promise.all([0, 1, 2].map(() => store.fetch(digest, upstream.fetcher)));
    let received = 0;
    const outcomes = await Promise.allSettled(
      readers.map(async ({ stream }) => {
        for await (const chunk of stream) received += chunk.byteLength;
      }),
    );
    for (const outcome of outcomes) expect(outcome).toMatchObject({ reason: { code: "STORE_CORRUPT" } });
    expect(received).toBeLessThan(3 * blob.byteLength);
    expect(await store.has(digest)).toBeUndefined();
    expect(await leftovers(store)).toEqual([]);
    expect(digestOf(await buffer((await store.fetch(digest, upstream.fetcher)).stream))).toBe(digest);
    expect(upstream.requests).toEqual(["whole", "whole"]);
  });

  test("a range that lies wholly before the wrong byte is not completed either", async () => {
    const store = await newStore();
    const upstream = await upstreamOf(blob, [{ flip: blob.byteLength - 1 }]);
    const { stream } = await store.fetch(digest, upstream.fetcher, { range: () => ({ start: 0, end: 1000 }) });
    await expect(buffer(stream)).rejects.toMatchObject({ code: "STORE_CORRUPT" });
  });

  test.each<[string, Fault[], string]>([
    ["fewer bytes than the blob has", [{ size: 900_000, cutAfter: 900_000 }], "have the digest"],
    ["another size after a cut", [{ cutAfter: 100_000 }, { size: 999_999 }], "said 1000000 bytes at first"],
    ["a cut without any byte, again and again", Array(9).fill({ cutAfter: 0 }), "broke off at 0 of 1000000 bytes"],
    ["a refusal", [{ status: 404 }], "status 404"],
    ["a refusal after a cut", [{ cutAfter: 100_000 }, { status: 500 }], "status 500"],
  ])("%s ends the download", async (_name, faults, message) => {
    const store = await newStore();
    const upstream = await upstreamOf(blob, faults);
    await expect(store.ensure(digest, upstream.fetcher)).rejects.toThrow(message);
    expect(await store.has(digest)).toBeUndefined();
    expect(await leftovers(store)).toEqual([]);
    const sound = await upstreamOf(blob);
    expect(await store.ensure(digest, sound.fetcher)).toEqual({ size: blob.byteLength });
  });
});

test("whatever the points at which the upstream cuts, the blob arrives whole", async () => {
  const store = await newStore();
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 300_000 }),
      fc.array(fc.integer({ min: 1, max: 100_000 }), { maxLength: 8 }),
      async (size, cuts) => {
        const content = randomBytes(size);
        const upstream = await startFaultyUpstream(
          content,
          cuts.map((cutAfter) => ({ cutAfter })),
        );
        try {
          const { stream } = await store.fetch(digestOf(content), upstream.fetcher);
          expect((await buffer(stream)).equals(content)).toBe(true);
          const offsets = upstream.requests.map((request) => Number(/\d+/.exec(request)?.[0] ?? 0));
          expect(offsets).toEqual([...new Set(offsets)].sort((left, right) => left - right));
          expect(await store.verify(digestOf(content))).toBe(true);
        } finally {
          await upstream.close();
        }
      },
    ),
    { numRuns: 40 },
  );
});

test("closing the store ends its downloads", async () => {
  const store = await newStore();
  const upstream = await upstreamOf(blob, [{ gate: () => new Promise(() => undefined) }]);
  const { stream } = await store.fetch(digest, upstream.fetcher);
  const reading = expect(buffer(stream)).rejects.toThrow("the store was closed");
  await store.close();
  await reading;
  expect(await leftovers(store)).toEqual([]);
  await expect(store.ensure(digest, upstream.fetcher)).rejects.toThrow("the store was closed");
});
