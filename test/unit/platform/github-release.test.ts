import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { releaseOnGitHub } from "../../../src/platform/github-writing.ts";
import type { Release } from "../../../src/platform/platform.ts";
import { releaseBefore } from "../../../src/platform/tag-scheme.ts";
import { type FakeReleases, startFakeReleases } from "../../support/github-releases.ts";
import { temporaryDirectories } from "../../support/temporary-directory.ts";

const temporaryDirectory = temporaryDirectories();
const { signal } = new AbortController();
let github: FakeReleases;
let release: Release;
beforeEach(async () => {
  github = await startFakeReleases("write");
  const directory = await temporaryDirectory();
  const file = join(directory, "shop-1.4.2.tar");
  await writeFile(file, "an archive");
  release = { tag: "v1.4.2", name: "1.4.2", notes: "# First", isPrerelease: false, files: [file] };
});
afterEach(() => github.stop());

const publish = (change: Partial<Release> = {}, env: Readonly<Record<string, string>> = {}) =>
  releaseOnGitHub(
    {
      env: { GITHUB_API_URL: github.url, GITHUB_REPOSITORY: "shop/app", GITHUB_TOKEN: "ghs_token", ...env },
      signal,
    },
    { ...release, ...change },
  );

describe("a release on GitHub", () => {
  test("is published once its files are there", async () => {
    expect(await publish()).toEqual({ state: "written", url: "https://gh.example/v1.4.2" });
    expect(github.releases).toMatchObject([{ tag: "v1.4.2", name: "1.4.2", body: "# First", draft: false }]);
    expect([...(github.releases[0]?.files ?? [])]).toEqual([["shop-1.4.2.tar", Buffer.from("an archive")]]);
    expect(github.server.lines().map((line) => line.replace(/\?.*/, ""))).toEqual([
      "GET /repos/shop/app/releases",
      "POST /repos/shop/app/releases",
      "POST /repos/shop/app/releases/1/assets",
      "PATCH /repos/shop/app/releases/1",
    ]);
  });

  test("that is there already, or was left half-way, is brought up to date", async () => {
    await publish();
    const [first] = github.releases;
    if (first !== undefined) first.draft = true;
    await writeFile(release.files[0] ?? "", "another");
    await publish({ notes: "# Second" });
    expect(github.releases).toMatchObject([{ body: "# Second", draft: false }]);
    expect([...(github.releases[0]?.files.values() ?? [])].map(String)).toEqual(["another"]);
  });

  test("before a version is told as one", async () => {
    await publish({ tag: "v2.0.0-rc.1", isPrerelease: true, files: [] });
    expect(github.releases).toMatchObject([{ prerelease: true, draft: false }]);
  });

  test("fails with the permission that the job lacks", async () => {
    await github.stop();
    github = await startFakeReleases("read");
    await expect(publish()).rejects.toMatchObject({
      code: "PLATFORM",
      hint: "the job needs `permissions:` with `contents: write`",
    });
  });

  test("sends its token and files to no other server, whatever an answer says", async () => {
    const stranger = await startFakeReleases("write");
    try {
      github.uploads = stranger.url;
      await expect(publish()).rejects.toMatchObject({ code: "PLATFORM" });
      expect(stranger.server.requests).toEqual([]);
      expect(github.releases).toMatchObject([{ draft: true }]);
    } finally {
      await stranger.stop();
    }
  });

  test("has nowhere to go outside of a job or without a token", async () => {
    await expect(publish({}, { GITHUB_TOKEN: "" })).rejects.toMatchObject({ code: "USAGE" });
    await expect(publish({}, { GITHUB_REPOSITORY: "../../user" })).rejects.toMatchObject({ code: "USAGE" });
  });
});

test.each([
  ["1.4.2", ["1.4.1", "1.3.9", "1.5.0", "latest", "v9", "sha-0123"], "1.4.1"],
  ["1.4.0", ["1.4.0", "1.4.0-rc.1", "1.3.0", "edge"], "1.3.0"],
  ["2.0.0-rc.1", ["1.10.0", "1.9.0", "2.0.0-rc.0"], "1.10.0"],
  ["0.1.0", ["main"], undefined],
])("before %s of %j was %s", (version, published, before) => {
  expect(releaseBefore(version, published)).toBe(before);
});
