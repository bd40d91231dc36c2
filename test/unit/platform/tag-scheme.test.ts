import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isTag } from "../../../src/oci/reference.ts";
import { branchTag, tagsFor } from "../../../src/platform/tag-scheme.ts";

const commit = "0123456789abcdef0123456789abcdef01234567";

describe("tagsFor", () => {
  it("names a commit for good, and moves the branch", () => {
    expect(tagsFor({ kind: "branch", branch: "feature/cart", isDefault: false, commit })).toEqual({
      fixed: ["sha-0123456789ab"],
      moving: ["feature-cart"],
    });
  });

  it("moves edge with the default branch", () => {
    const plan = tagsFor({ kind: "branch", branch: "main", isDefault: true, commit });
    expect(plan?.moving).toEqual(["main", "edge"]);
  });

  it("gives a pull or merge request one tag of its own", () => {
    expect(tagsFor({ kind: "pull request", number: 12 })).toEqual({ fixed: [], moving: ["pr-12"] });
    expect(tagsFor({ kind: "merge request", number: 12 })).toEqual({ fixed: [], moving: ["mr-12"] });
  });

  it.each([
    ["v1.4.2", [], ["1.4", "1", "latest"]],
    ["1.4.2", ["1.4.1", "edge", "sha-0123456789ab"], ["1.4", "1", "latest"]],
    ["v1.4.3", ["1.5.0"], ["1.4"]],
    ["v1.5.1", ["1.5.0", "2.0.0"], ["1.5", "1"]],
    ["v0.3.0", ["0.2.9"], ["0.3", "latest"]],
    ["v2.0.0", ["2.1.0-rc.1"], ["2.0", "2", "latest"]],
    ["v1.4.2", ["1.4.2"], ["1.4", "1", "latest"]],
  ])("a release %s beside %j moves %j", (version, published, moving) => {
    expect(tagsFor({ kind: "release", version, published })?.moving).toEqual(moving);
  });

  it("moves nothing for a version before its release", () => {
    expect(tagsFor({ kind: "release", version: "v1.0.0-rc.1", published: [] })).toEqual({
      fixed: ["1.0.0-rc.1"],
      moving: [],
    });
  });

  it.each(["main", "v1.2", "1.2.3.4", "v1.2.x", "1.2.3-"])("takes %s for no release", (version) => {
    expect(tagsFor({ kind: "release", version, published: [] })).toBeUndefined();
  });
});

describe("branchTag", () => {
  it.each([
    ["main", "main"],
    ["dependabot/npm/a@1", "dependabot-npm-a-1"],
    [".hidden", "hidden"],
    ["edge", "branch-edge"],
    ["latest", "branch-latest"],
    ["1.2.3", "branch-1.2.3"],
    ["v2", "branch-v2"],
    ["pr-7", "branch-pr-7"],
    ["mr-7", "branch-mr-7"],
    ["sha-0123456789ab", "branch-sha-0123456789ab"],
    ["branch-edge", "branch-branch-edge"],
    ["héros", "h-ros"],
    ["/", "branch"],
  ])("%s is tagged %s", (branch, tag) => {
    expect(branchTag(branch)).toBe(tag);
  });

  it("is always a tag, and never one that means something else", () => {
    fc.assert(
      fc.property(fc.string({ minLength: 1, maxLength: 300 }), (branch) => {
        const tag = branchTag(branch);
        expect(isTag(tag)).toBe(true);
        expect(tag).not.toMatch(/^(?:edge|latest|[pm]r-\d+|sha-.*|\d+(?:\.\d+)*)$/);
      }),
    );
  });

  it("tells long names apart that begin alike", () => {
    const [one, other] = [branchTag(`${"x".repeat(140)}a`), branchTag(`${"x".repeat(140)}b`)];
    expect(one).toHaveLength(128);
    expect(one).not.toBe(other);
  });
});
