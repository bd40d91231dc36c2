import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { temporaryDirectories } from "../../support/temporary-directory.ts";
import { kubefile } from "../cli/command.ts";

const temporaryDirectory = temporaryDirectories();

test("a cache directory's file names steer no terminal, and begin no line", async () => {
  const cwd = await temporaryDirectory();
  const records = join(cwd, "cache", "records", "unprotected");
  await mkdir(records, { recursive: true });
  await writeFile(join(records, "\u001b[2J\u009b1m\n::error::x"), "");
  const { exitCode, stdout } = await kubefile(["cache", "ls", "--cache-from", "type=local,src=cache"], { cwd });
  expect(exitCode).toBe(0);
  expect(stdout).toMatch(/^left alone: .*::error::x: its name is no record's$/m);
  expect(["\u001b", "\u009b", "\n::"].filter((sign) => stdout.includes(sign))).toEqual([]);
});
