import { chmod, mkdir, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createGunzip } from "node:zlib";
import { afterAll, describe, expect, it } from "vitest";
import { digestOf } from "../../../src/oci/digest.ts";
import { OCI_LAYER_GZIP } from "../../../src/oci/media-types.ts";
import { applyLayer } from "../../../src/rootfs/apply-layer.ts";
import { snapshotTree } from "../../../src/rootfs/tree.ts";
import { treeDigest } from "../../../src/rootfs/tree-digest.ts";
import { createWorkspace } from "../../../src/rootfs/workspace.ts";
import { openStore } from "../../../src/store/store.ts";
import { temporaryDirectories } from "./fixture.ts";

const directories = temporaryDirectories();
afterAll(() => directories.remove());

describe("a workspace", () => {
  it("commits each step's changes as one layer, and the layers make the tree again", async () => {
    const store = await openStore(await directories.create());
    await using workspace = await createWorkspace(await directories.create());
    await mkdir(join(workspace.root, "etc"));
    await writeFile(join(workspace.root, "etc/a.yaml"), "a: 1\n");
    await writeFile(join(workspace.root, "etc/b.yaml"), "b: 1\n");
    const first = await workspace.commit(store);
    await rm(join(workspace.root, "etc/b.yaml"));
    await writeFile(join(workspace.root, "etc/a.yaml"), "a: 2\n");
    await symlink("etc/a.yaml", join(workspace.root, "link"));
    const second = await workspace.commit(store);
    expect(await workspace.commit(store)).toBeUndefined();

    const copy = await directories.create();
    for (const layer of [first, second]) {
      if (layer === undefined) throw new Error("no layer was written");
      expect(layer.descriptor.mediaType).toBe(OCI_LAYER_GZIP);
      const bytes = await store.readSmall(layer.descriptor.digest);
      expect(layer.descriptor.size).toBe(bytes.byteLength);
      const blob = await store.open(layer.descriptor.digest);
      const tar = await blob.stream.pipe(createGunzip()).toArray();
      expect(digestOf(Buffer.concat(tar))).toBe(layer.diffId);
      await applyLayer(copy, (await store.open(layer.descriptor.digest)).stream.pipe(createGunzip()));
    }
    expect(treeDigest(await snapshotTree(copy))).toBe(treeDigest(workspace.tree));
  });

  it("sees a change that leaves size and modification time as they were", async () => {
    const store = await openStore(await directories.create());
    await using workspace = await createWorkspace(await directories.create());
    await writeFile(join(workspace.root, "a"), "one");
    await workspace.commit(store);
    await writeFile(join(workspace.root, "a"), "two");
    expect(await workspace.commit(store)).toBeDefined();
  });

  it("writes no layer for a file that was written again with the same content", async () => {
    const store = await openStore(await directories.create());
    await using workspace = await createWorkspace(await directories.create());
    await writeFile(join(workspace.root, "a"), "one");
    await workspace.commit(store);
    await rm(join(workspace.root, "a"));
    await writeFile(join(workspace.root, "a"), "one");
    expect(await workspace.commit(store)).toBeUndefined();
  });

  it("reads again only what may have changed", async () => {
    const root = await directories.create();
    await writeFile(join(root, "a"), "one");
    const hour = 3_600_000;
    const settled = await snapshotTree(root, { now: () => Date.now() + hour });
    const entry = settled.get("a");
    if (entry?.type !== "file") throw new Error("a is no file");
    const marked = { ...entry, digest: digestOf("marked") };
    const again = await snapshotTree(root, { previous: new Map([["a", marked]]) });
    expect(again.get("a")).toMatchObject({ digest: digestOf("marked") });

    const unsettled = { ...marked, identity: { ...marked.identity, settled: false } };
    const reread = await snapshotTree(root, { previous: new Map([["a", unsettled]]) });
    expect(reread.get("a")).toMatchObject({ digest: digestOf("one") });
    await writeFile(join(root, "a"), "other");
    const changed = await snapshotTree(root, { previous: new Map([["a", marked]]) });
    expect(changed.get("a")).toMatchObject({ digest: digestOf("other") });
  });

  it("is removed whatever the modes in it", async () => {
    const directory = await directories.create();
    const workspace = await createWorkspace(directory);
    await mkdir(join(workspace.root, "closed/inner"), { recursive: true });
    await writeFile(join(workspace.root, "closed/inner/file"), "x");
    await chmod(join(workspace.root, "closed/inner"), 0o500);
    await chmod(join(workspace.root, "closed"), 0);
    await workspace[Symbol.asyncDispose]();
    expect([...(await snapshotTree(directory)).keys()]).toEqual([]);
  });
});
