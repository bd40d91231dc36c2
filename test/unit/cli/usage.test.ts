import { mkdir, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { temporaryDirectories } from "../../support/temporary-directory.ts";
import { badUsage } from "./bad-usage.ts";
import { kubefile } from "./command.ts";

const temporaryDirectory = temporaryDirectories();

describe("wrong usage is told in so many words", () => {
  test.each(badUsage)("$name", async ({ argv, files = {}, env = {}, stderr, exitCode = 2 }) => {
    const cwd = await temporaryDirectory();
    for (const [name, content] of Object.entries(files)) await writeFile(join(cwd, name), content);
    const outcome = await kubefile(argv, { cwd, env });
    expect(outcome.stderr.split("\n")).toEqual([...stderr, ""]);
    expect(outcome).toMatchObject({ exitCode, stdout: "" });
  });
});

test("a directory that the project file cannot be read from says so", async () => {
  const cwd = await temporaryDirectory();
  await mkdir(join(cwd, "kubefile.yaml"));
  const { stderr, exitCode } = await kubefile(["build", "."], { cwd });
  expect(stderr).toContain("error[PROJECT_FILE_INVALID]: kubefile.yaml cannot be read");
  expect(exitCode).toBe(2);
});

test("a context behind a link is one", async () => {
  const cwd = await temporaryDirectory();
  await mkdir(join(cwd, "real"));
  await symlink("real", join(cwd, "link"));
  const { stderr } = await kubefile(["build", "link"], { cwd });
  expect(stderr).toContain("error[USAGE]: link/Kubefile does not exist");
});
