import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { matcherOf } from "../../../src/kubefile/wildcard.ts";

describe("matcherOf", () => {
  // Cases of Go's path/filepath match_test.go that stay within one component.
  const table: [pattern: string, name: string, expected: boolean | undefined][] = [
    ["abc", "abc", true],
    ["*", "abc", true],
    ["*c", "abc", true],
    ["a*", "a", true],
    ["a*", "abc", true],
    ["a*b*c*d*e*", "axbxcxdxe", true],
    ["a*b*c*d*e*", "axbxcxdxexxx", true],
    ["a*b?c*x", "abxbbxdbxebxczzx", true],
    ["a*b?c*x", "abxbbxdbxebxczzy", false],
    ["ab[c]", "abc", true],
    ["ab[b-d]", "abc", true],
    ["ab[e-g]", "abc", false],
    ["ab[^c]", "abc", false],
    ["ab[^b-d]", "abc", false],
    ["ab[^e-g]", "abc", true],
    ["a\\*b", "a*b", true],
    ["a\\*b", "ab", false],
    ["a?b", "a☺b", true],
    ["a[^a]b", "a☺b", true],
    ["a???b", "a☺b", false],
    ["a[^a][^a][^a]b", "a☺b", false],
    ["[a-ζ]*", "α", true],
    ["*[a-ζ]", "A", false],
    ["[\\]a]", "]", true],
    ["[\\-]", "-", true],
    ["[x\\-]", "x", true],
    ["[x\\-]", "-", true],
    ["[x\\-]", "z", false],
    ["[\\-x]", "x", true],
    ["[\\-x]", "-", true],
    ["[\\-x]", "a", false],
    ["[]a]", "]", undefined],
    ["[-]", "-", undefined],
    ["[x-]", "x", undefined],
    ["[x-]", "z", undefined],
    ["[-x]", "x", undefined],
    ["\\", "a", undefined],
    ["[a-b-c]", "a", undefined],
    ["[", "a", undefined],
    ["[^", "a", undefined],
    ["[^bc", "a", undefined],
    ["a[", "ab", undefined],
    ["*x", "xxx", true],
    ["*.yaml", ".yaml", true],
    ["?", "💚", true],
  ];
  it.each(table)("%s on %s: %s", (pattern, name, expected) => {
    expect(matcherOf(pattern)?.(name)).toBe(expected);
  });

  it("agrees with a regular expression, however many stars there are", () => {
    const pattern = fc.string({ unit: fc.constantFrom("a", "b", "*", "?"), maxLength: 8 });
    fc.assert(
      fc.property(pattern, fc.string({ unit: fc.constantFrom("a", "b", "c"), maxLength: 10 }), (text, name) => {
        const expected = new RegExp(`^${text.replaceAll("*", ".*").replaceAll("?", ".")}$`).test(name);
        expect(matcherOf(text)?.(name)).toBe(expected);
      }),
    );
  });

  it("ends on patterns that make a naive matcher run for ever", () => {
    expect(matcherOf("*a".repeat(60))?.("a".repeat(250).concat("b"))).toBe(false);
  });
});
