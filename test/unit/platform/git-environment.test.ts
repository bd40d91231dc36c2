import { existsSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { ownGitEnvironment } from "../../../src/platform/git-environment.ts";
import { temporaryDirectories } from "../../support/temporary-directory.ts";

const createDirectory = temporaryDirectories();

test("git gets PATH and proxies of this process, and nothing else", async () => {
  const env = {
    PATH: "/bin",
    https_proxy: "http://proxy.example",
    GITHUB_TOKEN: "canary",
    HOME: "/root",
    NO_PROXY: "",
  };
  const { get, dispose } = ownGitEnvironment(env);
  expect(await get()).toEqual({ variables: { PATH: "/bin", https_proxy: "http://proxy.example" } });
  await dispose();
});

test("a private authority is trusted beside the usual ones, by a file that goes", async () => {
  const file = join(await createDirectory(), "own.pem");
  await writeFile(file, "-----BEGIN CERTIFICATE-----\nown\n-----END CERTIFICATE-----\n");
  const { get, dispose } = ownGitEnvironment({ NODE_EXTRA_CA_CERTS: file });
  const { authorities = "" } = await get();
  const text = await readFile(authorities, "utf8");
  expect(text.match(/BEGIN CERTIFICATE/g)?.length).toBeGreaterThan(50);
  expect(text).toContain("\nown\n");
  await dispose();
  expect(existsSync(authorities)).toBe(false);
  const missing = ownGitEnvironment({ NODE_EXTRA_CA_CERTS: "/nowhere.pem" });
  await expect(missing.get()).rejects.toMatchObject({ code: "USAGE" });
});
