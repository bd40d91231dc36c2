import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { diffLocks, formatLockDiff, isEmptyDiff } from "../../../src/lock/diff-locks.ts";
import type { Lock } from "../../../src/lock/types.ts";
import { digestOf } from "../../../src/oci/digest.ts";
import { locked, locks } from "./sample-locks.ts";

const lines = (before: Lock["images"], after: Lock["images"]): readonly string[] =>
  formatLockDiff(diffLocks({ images: before }, { images: after }));

describe("between two locks", () => {
  test.each<[name: string, before: Lock["images"], after: Lock["images"], expected: readonly string[]]>([
    ["nothing differs", [locked("a:1", "a")], [locked("a:1", "a")], []],
    ["an image is added", [], [locked("a:1", "a")], [`+ docker.io/library/a:1 ${digestOf("a")}`]],
    ["an image is removed", [locked("a:1", "a")], [], [`- docker.io/library/a:1 ${digestOf("a")}`]],
    [
      "a tag has moved",
      [locked("a:1", "a")],
      [locked("a:1", "b")],
      [`~ docker.io/library/a:1 ${digestOf("a")} -> ${digestOf("b")}`],
    ],
    [
      "an image that is asked for by digest has another",
      [locked(`q.io/a@${digestOf("a")}`, "a")],
      [locked(`q.io/a@${digestOf("b")}`, "b")],
      [`~ q.io/a ${digestOf("a")} -> ${digestOf("b")}`],
    ],
    [
      "another tag is another image",
      [locked("a:1", "a")],
      [locked("a:2", "a")],
      [`+ docker.io/library/a:2 ${digestOf("a")}`, `- docker.io/library/a:1 ${digestOf("a")}`],
    ],
    [
      "roles are told apart",
      [locked("a:1", "a", { role: "base" })],
      [locked("a:1", "a")],
      [`+ docker.io/library/a:1 ${digestOf("a")}`, `- docker.io/library/a:1 (base image) ${digestOf("a")}`],
    ],
    [
      "the grade is another",
      [locked("a:1", "a", { grade: "ready" }), locked("b:1", "b", { grade: "ready" })],
      [locked("a:1", "a", { grade: "static" }), locked("b:1", "b", { grade: "static" })],
      ["~ grade ready -> static"],
    ],
  ])("%s", (_name, before, after, expected) => {
    expect(lines(before, after)).toEqual(expected);
  });

  test("whatever they are: none to itself, and what one way adds the other removes", () => {
    fc.assert(
      fc.property(locks, locks, (one, other) => {
        expect(isEmptyDiff(diffLocks(one, one))).toBe(true);
        const [there, back] = [diffLocks(one, other), diffLocks(other, one)];
        expect(there.added.length - there.removed.length).toBe(back.removed.length - back.added.length);
        expect(there.moved.length).toBe(back.moved.length);
        const after = [...one.images.map(({ digest }) => digest)].length + there.added.length - there.removed.length;
        expect(after).toBe(other.images.length);
      }),
    );
  });
});
