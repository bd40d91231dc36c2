import { execFile } from "node:child_process";
import { createReadStream, createWriteStream } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { promisify } from "node:util";
import { afterAll, describe, expect, it } from "vitest";
import { packTree } from "../../../src/rootfs/pack-tree.ts";
import { unpackTree } from "../../../src/rootfs/unpack-tree.ts";
import { createWorkspace } from "../../../src/rootfs/workspace.ts";
import { openStore } from "../../../src/store/store.ts";
import { type Listing, listTree, temporaryDirectories, writeTree } from "../../unit/rootfs/fixture.ts";

const run = promisify(execFile);
const directories = temporaryDirectories();
afterAll(() => directories.remove());

const listing: Listing = {
  "etc/app.yaml": "kind: ConfigMap\n",
  "etc/grüße/日本.txt": "text",
  [`long/${"component-".repeat(12)}/${"component-".repeat(20)}`]: "deep",
  [`long/${"x".repeat(100)}`]: "exactly the ustar limit with its directory",
  [`${"y".repeat(100)}/z`]: "z",
  "new\nline": "n",
  "bin/tool": { text: "#!/bin/sh\n", mode: 0o755 },
  "bin/link": { link: "tool" },
  "bin/far": { link: `../long/${"component-".repeat(12)}/${"component-".repeat(20)}` },
  secret: { text: "s", mode: 0o600 },
  none: null,
  empty: "",
  big: "0123456789".repeat(100_000),
};

async function treeOf(): Promise<string> {
  const root = await directories.create();
  await writeTree(root, listing);
  return root;
}

describe("tars of ours, read by others", () => {
  it("GNU tar unpacks a layer to the same tree", async () => {
    const store = await openStore(await directories.create());
    await using workspace = await createWorkspace(await directories.create());
    await writeTree(workspace.root, listing);
    const layer = await workspace.commit(store);
    const target = await directories.create();
    const file = store.pathOf(layer!.descriptor.digest);
    await run("tar", ["xpzf", file, "-C", target]);
    expect(await listTree(target)).toEqual(await listTree(workspace.root));

    const { stdout } = await run("tar", ["tvzf", file, "--utc", "--numeric-owner"]);
    const lines = stdout.trimEnd().split("\n");
    expect(lines.filter((line) => !/ 0\/0 .* 1970-01-01 00:00 /.test(line))).toEqual([]);
    expect(lines.length).toBe((await listTree(target)).length);
  });

  it("GNU tar and busybox unpack a packed tree", async () => {
    const root = await treeOf();
    const archive = join(await directories.create(), "tree.tar");
    await pipeline(await packTree(root), createWriteStream(archive));
    for (const unpack of [["tar"], ["busybox", "tar"]]) {
      const target = await directories.create();
      const [command = "", ...args] = unpack;
      await run(command, [...args, "-x", "-p", "-f", archive, "-C", target]);
      expect(await listTree(target)).toEqual(await listTree(root));
    }
  });
});

describe("tars of others", () => {
  it.each([
    ["GNU tar", ["tar", "--format=gnu"]],
    ["GNU tar with pax", ["tar", "--format=pax"]],
    ["busybox", ["busybox", "tar"]],
  ])("of %s unpack to the same tree", async (_name, [command = "", ...args]) => {
    const root = await treeOf();
    const archive = join(await directories.create(), "tree.tar");
    await run(command, [...args, "-c", "-f", archive, "-C", root, "."]);
    const target = await directories.create();
    await unpackTree(target, createReadStream(archive));
    expect(await listTree(target)).toEqual(
      (await listTree(root)).map((line) => line.replace("600 secret", "644 secret")),
    );
  });

  it("with hard links become files of their own", async () => {
    const root = await directories.create();
    await writeFile(join(root, "a"), "content");
    await run("ln", [join(root, "a"), join(root, "b")]);
    const archive = join(await directories.create(), "tree.tar");
    await run("tar", ["cf", archive, "-C", root, "a", "b"]);
    const target = await directories.create();
    await unpackTree(target, createReadStream(archive));
    await writeFile(join(target, "a"), "changed");
    expect(await listTree(target)).toEqual(['644 a "changed"', '644 b "content"']);
  });
});
