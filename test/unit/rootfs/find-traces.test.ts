import { afterAll, expect, test } from "vitest";
import { valueTraces } from "../../../src/registry/secret-forms.ts";
import { changesBetween } from "../../../src/rootfs/change-set.ts";
import { findTraces } from "../../../src/rootfs/find-traces.ts";
import { snapshotTree } from "../../../src/rootfs/tree.ts";
import { temporaryDirectories, writeTree } from "./fixture.ts";

const directories = temporaryDirectories();
afterAll(() => directories.remove());

const canary = "canary-5d0c/91";

test("what a change brings is searched: contents, names, links; what lay there before is not", async () => {
  const root = await directories.create();
  await writeTree(root, { before: canary, "etc/app": "x" });
  const before = await snapshotTree(root);
  await writeTree(root, {
    // Across the pieces that a file is read in.
    "big/across": `${"x".repeat(256 * 1024 - 5)}${canary}`,
    "big/wrapped": Buffer.from(`user:${canary}`).toString("base64").replaceAll(/.{7}/g, "$&\n  "),
    [`named-${encodeURIComponent(canary)}`]: "",
    link: { link: `x-${canary}` },
    "etc/app": "changed",
    "etc/other": canary.slice(1),
  });
  const changes = changesBetween(before, await snapshotTree(root));
  const found = await findTraces(root, changes, [valueTraces(Buffer.from(canary))], undefined);
  expect(found).toEqual(["big/across", "big/wrapped", "link", "named-canary-5d0c%2F91"]);
});
