import { mkdir, readdir, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { digestOf } from "../../../src/oci/digest.ts";
import { ownIdentity, type ProcessIdentity } from "../../../src/process/process-identity.ts";
import { withExclusiveStore } from "../../../src/store/exclusive.ts";
import { ownedFileName } from "../../../src/store/file-owner.ts";
import { openStore } from "../../../src/store/store.ts";
import { temporaryDirectory } from "../../support/sample-images.ts";

const { signal } = new AbortController();
const MINUTE = 60_000;

/** A lease of another process; one that is gone, when nothing is changed but its number. */
async function leaseOf(directory: string, change: Partial<ProcessIdentity>, age = 0): Promise<void> {
  await mkdir(join(directory, "leases"), { recursive: true });
  const path = join(directory, "leases", ownedFileName({ ...(await ownIdentity()), ...change }));
  await writeFile(path, "");
  const touched = new Date(Date.now() - age);
  await utimes(path, touched, touched);
}

const succeeds = (directory: string): Promise<string> => withExclusiveStore(directory, signal, async () => "done");

describe("a store that blobs are removed from", () => {
  it("is nobody else's, and names who has it open", async () => {
    const store = await openStore(await temporaryDirectory());
    await expect(succeeds(store.directory)).rejects.toMatchObject({
      code: "STORE_BUSY",
      message: expect.stringMatching(/^the store in \S+ is in use by process \d+ on /),
    });
    await store.close();
    expect(await succeeds(store.directory)).toBe("done");
    expect(await readdir(join(store.directory, "leases"))).toEqual([]);
  });

  it("waits for those who are soon gone", async () => {
    const store = await openStore(await temporaryDirectory());
    setTimeout(() => void store.close(), 200);
    expect(await succeeds(store.directory)).toBe("done");
  });

  it("lets those stay who have said what they need", async () => {
    const directory = await temporaryDirectory();
    const pins = [digestOf("one"), digestOf("two")];
    await using _store = await openStore(directory, { pins });
    expect(await withExclusiveStore(directory, signal, async (pinned) => pinned)).toEqual(pins);
  });

  it("makes those wait who open it meanwhile", async () => {
    const directory = await temporaryDirectory();
    await (await openStore(directory)).close();
    const events: string[] = [];
    let opening: Promise<unknown> = Promise.resolve();
    await withExclusiveStore(directory, signal, async () => {
      opening = openStore(directory).then((store) => {
        events.push("opened");
        return store.close();
      });
      await new Promise((resolve) => setTimeout(resolve, 300));
      events.push("removed");
    });
    await opening;
    expect(events).toEqual(["removed", "opened"]);
  });

  it("can be waited for no longer than a signal allows", async () => {
    const directory = await temporaryDirectory();
    await (await openStore(directory)).close();
    await withExclusiveStore(directory, signal, async () => {
      await expect(openStore(directory, { signal: AbortSignal.timeout(100) })).rejects.toThrow(/abort|timeout/i);
    });
  });

  it("does not mind those who are gone", async () => {
    const directory = await temporaryDirectory();
    await leaseOf(directory, { pid: 4_194_304 });
    await leaseOf(directory, { host: "another-container" }, 11 * MINUTE);
    expect(await succeeds(directory)).toBe("done");
    expect(await readdir(join(directory, "leases"))).toEqual([]);
  });

  it("minds those who may not be gone", async () => {
    const directory = await temporaryDirectory();
    await leaseOf(directory, { host: "another-container" }, 5 * MINUTE);
    await expect(succeeds(directory)).rejects.toMatchObject({ code: "STORE_BUSY" });
  });

  it("is one process's after the other", async () => {
    const directory = await temporaryDirectory();
    let inside = 0;
    const work = async (): Promise<void> => {
      inside += 1;
      expect(inside).toBe(1);
      await new Promise((resolve) => setTimeout(resolve, 20));
      inside -= 1;
    };
    await Promise.all(Array.from({ length: 5 }, () => withExclusiveStore(directory, signal, work)));
  });
});
