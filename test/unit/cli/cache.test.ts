import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { parseRule } from "../../../src/platform/cache-inputs.ts";
import { temporaryDirectories } from "../../support/temporary-directory.ts";
import { kubefile } from "./command.ts";

const temporaryDirectory = temporaryDirectories();

describe("kubefile cache", () => {
  test("has nothing to show or remove where nothing was built", async () => {
    const cwd = await temporaryDirectory();
    expect(await kubefile(["cache", "ls"], { cwd })).toEqual({
      exitCode: 0,
      stdout: "no records here yet\n",
      stderr: "",
    });
    expect(await kubefile(["cache", "prune", "--all"], { cwd })).toEqual({
      exitCode: 0,
      stdout: "nothing to remove\n",
      stderr: "",
    });
    expect(JSON.parse((await kubefile(["cache", "ls", "--format", "json"], { cwd })).stdout)).toEqual([]);
  });

  const registry = "type=registry,ref=registry.example/shop/cache";
  test.each([
    [["ls", "--cache-from", "type=gha"], "error[UNSUPPORTED]: type=gha: GitHub's cache lets a job neither list"],
    [["prune", "--cache-to", "type=gha", "--all"], "hint: use GitHub's REST API: gh cache list --key cache-"],
    [["prune", "--cache-to", registry], `error[USAGE]: ${registry}: nothing says which records are to be removed\n`],
    [["prune", "--all", "--keep", "3"], "error[USAGE]: --all and --keep contradict each other\n"],
    [["prune", "--keep", "few"], 'error[USAGE]: --keep "few" is not a number of records\n'],
    [["prune", "--keep-bytes", "10 apples"], 'error[USAGE]: --keep-bytes "10 apples" is not a size\n'],
    [["prune", "--older-than", "14"], 'error[USAGE]: --older-than "14" is not a duration\n'],
    [["prune", "--cache-from", "type=local,dest=x"], 'type=local has no "dest"'],
  ])("%j is told what is wrong", async (words, message) => {
    const outcome = await kubefile(["cache", ...words], { cwd: await temporaryDirectory() });
    expect(outcome).toMatchObject({ exitCode: 2, stdout: "" });
    expect(outcome.stderr).toContain(message);
  });

  test("takes a directory that is no cache for none, and changes nothing there", async () => {
    const cwd = await temporaryDirectory();
    await mkdir(join(cwd, "other"));
    expect(await kubefile(["cache", "ls", "--cache-from", "type=local,src=missing"], { cwd })).toMatchObject({
      exitCode: 3,
      stderr: expect.stringContaining("error[STORE_UNUSABLE]: there is no directory "),
    });
    expect(await kubefile(["cache", "ls", "--cache-from", "type=local,src=other"], { cwd })).toMatchObject({
      exitCode: 0,
      stdout: "type=local,src=other: 0 records, 0 B\n0 blobs, 0 B\n",
    });
    expect(await kubefile(["cache", "prune", "--all", "--cache-to", "type=local,dest=other"], { cwd })).toMatchObject({
      exitCode: 3,
      stderr: expect.stringContaining("is neither a store nor a cache: it has no file oci-layout"),
    });
  });

  test.each([
    ["10GB", 10e9],
    ["1.5GiB", 1.5 * 1024 ** 3],
    ["500 MB", 500e6],
    ["12kB", 12_000],
    ["7B", 7],
    ["7", 7],
  ])("reads %s as a size", (text, bytes) => {
    expect(parseRule({ keepBytes: text })).toMatchObject({ keepBytes: bytes, all: false });
  });
});
