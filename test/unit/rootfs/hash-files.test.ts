import { chmod, mkdir, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { digestOf } from "../../../src/oci/digest.ts";
import { hashFiles } from "../../../src/rootfs/hash-files.ts";
import { failureOf } from "../../support/failure.ts";
import { temporaryDirectory } from "../../support/sample-images.ts";

test("files of every size have the digests of their contents", async () => {
  const root = await temporaryDirectory();
  const sizes = [0, 1, 128 * 1024 - 1, 128 * 1024, 128 * 1024 + 1, 1024 * 1024];
  await mkdir(join(root, "a"));
  for (const size of sizes) await writeFile(join(root, "a", String(size)), Buffer.alloc(size, size % 251));
  const hashed = await hashFiles(
    root,
    sizes.map((size) => `a/${size}`),
  );
  for (const size of sizes) {
    expect(hashed.get(`a/${size}`)?.digest, `${size} bytes`).toBe(digestOf(Buffer.alloc(size, size % 251)));
  }
});

test("modes are those of the files", async () => {
  const root = await temporaryDirectory();
  await writeFile(join(root, "start"), "#!/bin/sh\n");
  await chmod(join(root, "start"), 0o750);
  expect((await hashFiles(root, ["start"])).get("start")?.mode.toString(8)).toBe("100750");
});

test("a link in a file's place is not followed", async () => {
  const root = await temporaryDirectory();
  await symlink("/etc/hostname", join(root, "link"));
  expect(await failureOf(hashFiles(root, ["link"]))).toContain("ELOOP");
});

test("a signal ends it", async () => {
  const root = await temporaryDirectory();
  await writeFile(join(root, "large"), Buffer.alloc(1024 * 1024));
  const signal = AbortSignal.abort(new Error("enough"));
  expect(await failureOf(hashFiles(root, ["large"], signal))).toContain("enough");
});
