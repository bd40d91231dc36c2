import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { errorMessage, formatLocation, KubefileError } from "../../../src/error.ts";
import { formatLock } from "../../../src/lock/format-lock.ts";
import { loadLock, parseLock } from "../../../src/lock/read-lock.ts";
import { badLocks } from "./bad-locks.ts";
import { locks, sampleLock } from "./sample-locks.ts";

let directory: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), "kubefile-lock-"));
});
afterAll(() => rmSync(directory, { recursive: true }));

describe("a lock", () => {
  test("that was written is read as it was", async () => {
    await fc.assert(
      fc.asyncProperty(locks, async (lock) => {
        const text = formatLock(lock);
        const read = await parseLock(text, "kubefile.lock");
        expect(new Set(read.images)).toEqual(new Set(lock.images));
        expect(formatLock(read)).toBe(text);
      }),
      { numRuns: 60 },
    );
  });

  test("that kbld wrote is one of captured images", async () => {
    const text = `---
apiVersion: imgpkg.carvel.dev/v1alpha1
images:
- annotations:
    kbld.carvel.dev/id: nginx:1.14.2
    kbld.carvel.dev/origins: |
      - resolved:
          tag: 1.14.2
          url: nginx:1.14.2
  image: index.docker.io/library/nginx@sha256:f7988fb6c02e0ce69257d9bd9cf37ae20a60f1df7563c3a2a6abe24160306b8d
kind: ImagesLock
`;
    expect(await parseLock(text, "images.yml")).toEqual({
      images: [
        {
          reference: "docker.io/library/nginx:1.14.2",
          digest: "sha256:f7988fb6c02e0ce69257d9bd9cf37ae20a60f1df7563c3a2a6abe24160306b8d",
          role: "captured",
        },
      ],
    });
  });

  test("may be there or not", async () => {
    const file = join(directory, "kubefile.lock");
    expect(await loadLock(file, "kubefile.lock")).toBeUndefined();
    writeFileSync(file, formatLock(sampleLock));
    expect(await loadLock(file, "kubefile.lock")).toEqual(sampleLock);
    await expect(loadLock(directory, "kubefile.lock")).rejects.toMatchObject({ code: "LOCK_INVALID" });
  });
});

describe("a malformed lock is refused, each problem at its place:", () => {
  test.each(badLocks)("%s", async (_name, text, problems) => {
    expect(await problemsOf(text)).toEqual(problems);
  });

  test("whatever is written there fails in no other way", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.string({ maxLength: 200, unit: fc.constantFrom(..."ab:@-[]{}&*!|'\"\n \t#imageskind".split("")) }),
        async (text) => {
          await parseLock(text, "kubefile.lock").catch((error: unknown) => {
            expect(error).toMatchObject({ code: "LOCK_INVALID" });
          });
        },
      ),
      { numRuns: 300 },
    );
  });
});

async function problemsOf(text: string): Promise<readonly string[]> {
  const error: unknown = await parseLock(text, "kubefile.lock").then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof KubefileError)) return [`it was read, or: ${errorMessage(error)}`];
  expect(error.code).toBe("LOCK_INVALID");
  const several = error.message.split("\n").slice(1);
  if (several.length === 0) {
    const place = error.where === undefined ? "" : formatLocation(error.where).replace("kubefile.lock:", "");
    return [`${place} ${error.message} => ${error.hint}`];
  }
  return several.map((line) => line.replace(/^kubefile\.lock:(\d+:\d+): (.*) \((.*)\)$/, "$1 $2 => $3"));
}
