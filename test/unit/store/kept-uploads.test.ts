import { mkdir, readdir, stat, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { digestOf } from "../../../src/oci/digest.ts";
import { ownIdentity, type ProcessIdentity } from "../../../src/process/process-identity.ts";
import { ownedFileName } from "../../../src/store/file-owner.ts";
import { keepUploads } from "../../../src/store/kept-uploads.ts";
import { temporaryDirectory } from "../../support/sample-images.ts";

const repository = { host: "registry.example", path: "team/app" };
const digest = digestOf("a blob");
const location = "https://registry.example/v2/team/app/blobs/uploads/1?_state=x";
const MINUTE = 60_000;

async function files(directory: string): Promise<string[]> {
  return await readdir(join(directory, "uploads"));
}

/** What another process kept. */
async function keptBy(directory: string, change: Partial<ProcessIdentity>): Promise<string> {
  const uploads = keepUploads(directory);
  await uploads.keep(repository, digest, location);
  const [name = ""] = await files(directory);
  await uploads.drop(repository, digest);
  const owner = ownedFileName({ ...(await ownIdentity()), ...change });
  const path = join(directory, "uploads", `${name.slice(0, 64)}.${owner}`);
  await writeFile(path, location);
  return path;
}

describe("kept uploads", () => {
  it("are taken once their process has given them up, by one", async () => {
    const directory = await temporaryDirectory();
    const [first, second, third] = [keepUploads(directory), keepUploads(directory), keepUploads(directory)];
    await first.keep(repository, digest, location);
    expect(await second.take(repository, digest)).toBeUndefined();
    await first.release(repository, digest);
    expect(await second.take(repository, digest)).toBe(location);
    expect(await third.take(repository, digest)).toBeUndefined();
    await second.drop(repository, digest);
    expect(await files(directory)).toEqual([]);
  });

  it("belong to one blob of one repository", async () => {
    const directory = await temporaryDirectory();
    const uploads = keepUploads(directory);
    await uploads.keep(repository, digest, location);
    await uploads.release(repository, digest);
    expect(await uploads.take(repository, digestOf("another"))).toBeUndefined();
    expect(await uploads.take({ ...repository, path: "team/other" }, digest)).toBeUndefined();
    expect(await uploads.take({ ...repository, host: "other.example" }, digest)).toBeUndefined();
    expect(await uploads.take(repository, digest)).toBe(location);
  });

  it("are replaced by what is kept later", async () => {
    const directory = await temporaryDirectory();
    const uploads = keepUploads(directory);
    await uploads.keep(repository, digest, location);
    await uploads.keep(repository, digest, `${location}2`);
    expect(await files(directory)).toHaveLength(1);
    await uploads.release(repository, digest);
    expect(await uploads.take(repository, digest)).toBe(`${location}2`);
  });

  it("are for their user's eyes alone", async () => {
    const directory = await temporaryDirectory();
    await keepUploads(directory).keep(repository, digest, location);
    const [name = ""] = await files(directory);
    expect(((await stat(join(directory, "uploads", name))).mode & 0o777).toString(8)).toBe("600");
    expect(((await stat(join(directory, "uploads"))).mode & 0o777).toString(8)).toBe("700");
  });

  it("of a process that was killed are taken", async () => {
    const directory = await temporaryDirectory();
    await keptBy(directory, { started: "1" });
    expect(await keepUploads(directory).take(repository, digest)).toBe(location);
  });

  it("of a process elsewhere are taken when it must be over", async () => {
    const directory = await temporaryDirectory();
    const path = await keptBy(directory, { host: "another-container" });
    const { mtimeMs } = await stat(path);
    expect(await keepUploads(directory, () => mtimeMs + 29 * MINUTE).take(repository, digest)).toBeUndefined();
    expect(await keepUploads(directory, () => mtimeMs + 31 * MINUTE).take(repository, digest)).toBe(location);
  });

  it("are forgotten after a week", async () => {
    const directory = await temporaryDirectory();
    const path = await keptBy(directory, { started: "1" });
    await utimes(path, new Date(0), new Date(8 * 24 * 60 * MINUTE));
    expect(await keepUploads(directory, () => 16 * 24 * 60 * MINUTE).take(repository, digest)).toBeUndefined();
    expect(await files(directory)).toEqual([]);
  });

  it("never fail the push", async () => {
    const directory = join(await temporaryDirectory(), "missing");
    await mkdir(directory);
    await writeFile(join(directory, "uploads"), "no directory");
    const uploads = keepUploads(directory);
    await uploads.keep(repository, digest, location);
    expect(await uploads.take(repository, digest)).toBeUndefined();
    await uploads.release(repository, digest);
    await uploads.drop(repository, digest);
  });
});
