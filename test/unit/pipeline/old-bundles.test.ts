import { mkdir, readdir, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { KEPT_BUNDLES, removeOldBundles } from "../../../src/pipeline/old-bundles.ts";
import { temporaryDirectories } from "../../support/temporary-directory.ts";

const temporaryDirectory = temporaryDirectories();

test("the newest bundles stay, and so does what is none", async () => {
  const directory = await temporaryDirectory();
  const ids = Array.from({ length: KEPT_BUNDLES + 3 }, (_, age) => ({ id: `run${String(age).padStart(2, "0")}`, age }));
  for (const { id, age } of ids) {
    await mkdir(join(directory, id, "logs"), { recursive: true });
    await writeFile(join(directory, id, "logs", "web.log"), "said");
    const time = new Date(Date.now() - age * 1000);
    await utimes(join(directory, id), time, time);
  }
  await mkdir(join(directory, "Notes of mine"));
  await removeOldBundles(directory);
  const newest = ids.slice(0, KEPT_BUNDLES).map(({ id }) => id);
  expect((await readdir(directory)).sort()).toEqual(["Notes of mine", ...newest]);
});

test("a directory that is not there is no problem", async () => {
  await removeOldBundles(join(await temporaryDirectory(), "none"));
});
