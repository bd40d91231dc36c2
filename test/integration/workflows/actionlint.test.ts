import { execFile } from "node:child_process";
import { readdir } from "node:fs/promises";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { beforeAll, expect, test } from "vitest";

const run = promisify(execFile);
const repository = resolve(import.meta.dirname, "../../..");
let actionlint = "";

beforeAll(async () => {
  actionlint = (await run(join(repository, "test/setup/actionlint"))).stdout.trim();
}, 300_000);

/** What actionlint, and shellcheck through it, has to say; empty when all is well. */
async function findings(...files: readonly string[]): Promise<string> {
  return await run(actionlint, ["-no-color", "-oneline", ...files], { cwd: repository }).then(
    ({ stdout }) => stdout,
    (error: { readonly stdout?: string; readonly stderr?: string }) => `${error.stdout ?? ""}${error.stderr ?? ""}`,
  );
}

test("actionlint finds nothing in the workflows and their scripts", async () => {
  const directory = join(repository, ".github/workflows");
  const files = (await readdir(directory)).map((name) => join(directory, name));
  expect(files.length).toBeGreaterThan(0);
  expect(await findings(...files)).toBe("");
});

test("actionlint and shellcheck would find something", async () => {
  const said = await findings(join(import.meta.dirname, "../../fixtures/workflows/careless.yml"));
  expect(said).toContain("potentially untrusted");
  expect(said).toContain("SC2086");
});
