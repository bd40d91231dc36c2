import { execFile } from "node:child_process";
import { chmod, mkdir, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { removeTree } from "../../../src/rootfs/remove-tree.ts";
import { temporaryDirectories } from "../../support/temporary-directory.ts";

const temporaryDirectory = temporaryDirectories();

test("a tree goes that is deeper than any path can say, with directories in it that nobody may write", async () => {
  const parent = await temporaryDirectory();
  const root = join(parent, "root");
  await mkdir(join(root, "closed", "empty"), { recursive: true });
  await writeFile(join(root, "closed", "file"), "");
  await chmod(join(root, "closed"), 0o500);
  // Two of them, and each deep enough to be brought up more than once.
  const dig = "for (let i = 0; i < 700; i++) { fs.mkdirSync('ten-letter'); process.chdir('ten-letter'); }";
  for (const name of ["one", "two"]) {
    await mkdir(join(root, name));
    await promisify(execFile)(process.execPath, ["-e", `${dig} fs.writeFileSync('file', '')`], {
      cwd: join(root, name),
    });
  }
  await removeTree(root);
  expect(await readdir(parent)).toEqual([]);
});

test("nothing there, and a file, are no trouble", async () => {
  const parent = await temporaryDirectory();
  await writeFile(join(parent, "file"), "");
  await removeTree(join(parent, "file"));
  await removeTree(join(parent, "file"));
  expect(await readdir(parent)).toEqual([]);
});

test("what cannot be removed is named, with the reason", async () => {
  await expect(removeTree("/proc/self/fdinfo")).rejects.toMatchObject({
    code: "STORE_UNUSABLE",
    message: expect.stringMatching(/^\/proc\/self\/fdinfo cannot be removed: E/),
  });
});
