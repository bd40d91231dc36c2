import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { availableBytes, checkDisk } from "../../../src/pipeline/disk-preflight.ts";

const directory = join(tmpdir(), "not-there-yet", "store");

describe("checkDisk", () => {
  it("accepts what fits, also for directories that are still to be made", async () => {
    await expect(checkDisk([{ purpose: "the store", on: { directory }, bytes: 1 }])).resolves.toBeUndefined();
  });

  it("adds up what goes to one file system, and says what each part is for", async () => {
    const petabyte = 2 ** 50;
    const checking = checkDisk([
      { purpose: "the store", on: { directory }, bytes: petabyte },
      { purpose: "the cluster", on: { directory: tmpdir() }, bytes: petabyte },
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

  it("keeps another machine's file system apart from this one's", async () => {
    const gibibyte = 2 ** 30;
    const on = { name: "the engine of docker", available: 1.5 * gibibyte };
    const checking = checkDisk([
      { purpose: "the store", on: { directory }, bytes: 1 },
      { purpose: "the cluster", on, bytes: 2 * gibibyte },
    ]);
    await expect(checking).rejects.toMatchObject({
      code: "DISK_SHORT",
      message: "too little disk: 1.5 GiB free, about 2.0 GiB needed: 2.0 GiB for the cluster in the engine of docker",
    });
  });
});

describe("availableBytes", () => {
  it.each([
    [
      "GNU",
      "Filesystem     1024-blocks     Used Available Capacity Mounted on\noverlay          264212084 24116608  71384656      26% /\n",
      71_384_656 * 1024,
    ],
    [
      "busybox",
      "Filesystem           1024-blocks    Used Available Capacity Mounted on\noverlay              264212084  24116608  71384656  26% /\n",
      71_384_656 * 1024,
    ],
    ["another word", "df: not found\n", undefined],
    ["nothing", "", undefined],
  ])("reads the df of %s", (_name, table, bytes) => {
    expect(availableBytes(table)).toBe(bytes);
  });
});
