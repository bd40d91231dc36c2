import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { checkDisk } from "../../../src/pipeline/disk-preflight.ts";

const directory = join(tmpdir(), "not-there-yet", "store");

describe("checkDisk", () => {
  it("accepts what fits, also for directories that are still to be made", async () => {
    await expect(checkDisk([{ purpose: "the store", directory, bytes: 1 }])).resolves.toBeUndefined();
  });

  it("adds up what goes to one file system, and says what each part is for", async () => {
    const petabyte = 2 ** 50;
    const checking = checkDisk([
      { purpose: "the store", directory, bytes: petabyte },
      { purpose: "the cluster", directory: tmpdir(), bytes: petabyte },
    ]);
    await expect(checking).rejects.toMatchObject({
      code: "DISK_SHORT",
      exitCode: 3,
      message: expect.stringMatching(
        /^too little disk: [\d.]+ GiB free, about 2097152\.0 GiB needed: 1048576\.0 GiB for the store in .*, 1048576\.0 GiB for the cluster in /,
      ),
      hint: expect.stringContaining("--store"),
    });
  });
});
