import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  compareVersions,
  formatKubernetesVersion,
  parseKubernetesVersion,
  parseVersionWish,
} from "../../../src/cluster/kubernetes-version.ts";

function accepts(wish: string, version: string): boolean | undefined {
  const parsed = parseKubernetesVersion(version);
  if (parsed === undefined) throw new Error(`bad test version ${version}`);
  return parseVersionWish(wish)?.accepts(parsed);
}

describe("a wish accepts", () => {
  test.each([
    ["v1.34", ["v1.34.0", "v1.34.11"], ["v1.33.9", "v1.35.0"]],
    ["1.34.x", ["v1.34.0", "v1.34.11"], ["v1.35.0"]],
    ["1", ["v1.0.0", "v1.99.0"], ["v2.0.0"]],
    ["1.34.4", ["v1.34.4"], ["v1.34.3", "v1.34.5"]],
    ["=v1.34.4", ["v1.34.4"], ["v1.34.5"]],
    [">=1.19", ["v1.19.0", "v1.34.4"], ["v1.18.20"]],
    [">= 1.19", ["v1.19.0"], ["v1.18.20"]],
    [">1.19", ["v1.20.0"], ["v1.19.16"]],
    ["<1.35", ["v1.34.11"], ["v1.35.0"]],
    ["<=1.34", ["v1.34.11"], ["v1.35.0"]],
    [">=1.33 <1.35", ["v1.33.0", "v1.34.4"], ["v1.32.1", "v1.35.0"]],
    [">=1.33,<1.35", ["v1.34.4"], ["v1.35.0"]],
    ["~1.34.4", ["v1.34.4", "v1.34.9"], ["v1.34.3", "v1.35.0"]],
    ["^1.33", ["v1.33.0", "v1.40.0"], ["v1.32.9", "v2.0.0"]],
    ["1.33 || 1.35", ["v1.33.4", "v1.35.1"], ["v1.34.0"]],
  ])("%s", (wish, accepted, refused) => {
    for (const version of accepted) expect([version, accepts(wish, version)]).toEqual([version, true]);
    for (const version of refused) expect([version, accepts(wish, version)]).toEqual([version, false]);
  });
});

test.each(["", "latest", "v1.34-alpha", "1.2.3.4", ">=", "1.34 ||", "x"])("%j is no wish", (text) => {
  expect(parseVersionWish(text)).toBeUndefined();
});

test("only a whole version is exact", () => {
  expect(parseVersionWish("v1.34.4")?.exact).toEqual([1, 34, 4]);
  expect(parseVersionWish("v1.34")?.exact).toBeUndefined();
  expect(parseVersionWish(">=1.34.4")?.exact).toBeUndefined();
});

test("every version is accepted by its own name and ordered like its numbers", () => {
  const version = fc.tuple(fc.nat(3), fc.nat(60), fc.nat(30));
  fc.assert(
    fc.property(version, version, (one, other) => {
      const text = formatKubernetesVersion(one);
      expect(parseKubernetesVersion(text)).toEqual(one);
      expect(parseVersionWish(text)?.accepts(one)).toBe(true);
      expect(parseVersionWish(text)?.accepts(other)).toBe(compareVersions(one, other) === 0);
      expect(parseVersionWish(`>=${text}`)?.accepts(other)).toBe(compareVersions(other, one) >= 0);
    }),
  );
});
