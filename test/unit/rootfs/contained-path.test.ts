import { realpath } from "node:fs/promises";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, describe, expect, it } from "vitest";
import { compareBytes } from "../../../src/rootfs/byte-order.ts";
import { climbsOut, linkEscape, resolveInside } from "../../../src/rootfs/contained-path.ts";
import { removeTree } from "../../../src/rootfs/remove-tree.ts";
import { walkTree } from "../../../src/rootfs/walk.ts";
import { temporaryDirectories, writeTree } from "./fixture.ts";

const directories = temporaryDirectories();
afterAll(() => directories.remove());

describe("climbsOut", () => {
  it.each([
    ["a/b", false],
    ["/a", false],
    ["..a", false],
    ["a/../b", false],
    ["..", true],
    ["/..", true],
    ["a/../..", true],
    ["./../x", true],
  ])("%s: %s", (path, expected) => {
    expect(climbsOut(path)).toBe(expected);
  });
});

describe("linkEscape", () => {
  it.each([
    ["l", "a/b", undefined],
    ["a/l", "../b", undefined],
    ["a/b/l", ".././../c", undefined],
    ["l", ".", undefined],
    ["l", "..", 'leads out ("..")'],
    ["a/l", "../../b", 'leads out ("../../b")'],
    ["a/l", "b/../c", 'climbs after a name ("b/../c")'],
    ["l", "/", 'is absolute ("/")'],
    ["l", "", "has no target"],
  ])("of %s to %s: %s", (path, target, expected) => {
    expect(linkEscape(path, target)).toBe(expected);
  });

  it("leaves no way out of a tree in which every link passes, however they are chained", async () => {
    const name = fc.constantFrom("a", "b", "c");
    const path = fc.array(name, { minLength: 1, maxLength: 3 });
    const target = fc.array(fc.constantFrom("a", "b", "c", "..", "."), { minLength: 1, maxLength: 5 });
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(path, target), { maxLength: 6 }), async (wanted) => {
        const root = await realpath(await directories.create());
        for (const [components, to] of wanted) {
          const at = components.join("/");
          if (linkEscape(at, to.join("/")) !== undefined) continue;
          // Unpacking, too, leaves out a place that is taken or lies behind a link.
          if ((await resolved(root, at)) !== at) continue;
          await writeTree(root, { [at]: { link: to.join("/") } }).catch(() => undefined);
        }
        for await (const found of walkTree(root)) {
          if (found.type !== "link") continue;
          const inside = await resolved(root, found.path);
          if (inside === "circle") continue;
          const real = await realpath(join(root, found.path)).catch(() => undefined);
          if (real !== undefined) expect(real).toBe(join(root, inside));
        }
        await removeTree(root);
      }),
      { numRuns: 150 },
    );
  });
});

/** Any other error than that of a circle would be a way out. */
async function resolved(root: string, path: string): Promise<string> {
  try {
    return await resolveInside(root, path, "tree");
  } catch (error) {
    if (error instanceof Error && error.message.includes("circles")) return "circle";
    throw error;
  }
}

describe("compareBytes", () => {
  it("orders as the UTF-8 bytes do", () => {
    const text = fc.string({ unit: "grapheme", maxLength: 6 });
    fc.assert(
      fc.property(text, text, (left, right) => {
        expect(Math.sign(compareBytes(left, right))).toBe(Buffer.compare(Buffer.from(left), Buffer.from(right)));
      }),
    );
    expect(compareBytes("\u{1f49a}", "\uff21")).toBeGreaterThan(0);
  });
});
