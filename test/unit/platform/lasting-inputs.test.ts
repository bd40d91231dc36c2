import { describe, expect, test } from "vitest";
import { lastingOptions, previewRunId } from "../../../src/platform/lasting-inputs.ts";

const now = new Date("2026-11-22T12:00:00Z");
const pullRequest = {
  ...{ GITHUB_ACTIONS: "true", GITHUB_REPOSITORY: "octocat/shop", GITHUB_REF: "refs/pull/12/merge" },
  GITHUB_SHA: "a".repeat(40),
};

describe("a preview that stays", () => {
  test("is one of its request in its project, and tells until when", async () => {
    expect(await lastingOptions({ keep: true }, { env: pullRequest }, now)).toMatchObject({
      ...{ name: "pr-12", runId: previewRunId("pr-12", pullRequest), expires: "2026-11-22T20:00:00.000Z" },
      reachedAt: undefined,
    });
    const asked = { keep: true, name: "demo", ttl: 90_000, host: "runner7.example" };
    expect(await lastingOptions(asked, { env: {} }, now)).toMatchObject({
      ...{ name: "demo", expires: "2026-11-22T12:01:30.000Z", reachedAt: "runner7.example" },
    });
    expect(await lastingOptions({ name: "demo" }, { env: pullRequest }, now)).toBeUndefined();
  });

  test("has the name of a run, and another one in another project", () => {
    const [shop, other, none] = [pullRequest, { CI_PROJECT_PATH: "group/shop" }, {}].map((env) =>
      previewRunId("a".repeat(32), env),
    );
    expect(shop).toMatch(/^a{32}-[0-9a-f]{6}$/);
    expect(new Set([shop, other, none]).size).toBe(3);
  });

  test.each([
    [{}, "this run belongs to no pull or merge request"],
    [{ name: "Demo" }, "cannot name a preview"],
    [{ name: "a".repeat(33) }, "cannot name a preview"],
    [{ name: "demo", ttl: 1_000 }, "less than a minute"],
    [{ name: "demo", host: "runner7:80" }, "is no name or IPv4 address"],
    [{ name: "demo", host: "a) [b](https://evil" }, "is no name or IPv4 address"],
  ])("is refused for %j", async (flags, message) => {
    await expect(lastingOptions({ keep: true, ...flags }, { env: {} }, now)).rejects.toThrow(message);
  });
});
