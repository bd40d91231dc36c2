import { readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { errorCodes } from "../../../src/error.ts";

const root = resolve(import.meta.dirname, "../../..");

describe("docs/errors.md", () => {
  const rows = [...readFileSync(join(root, "docs/errors.md"), "utf8").matchAll(/^\| `([A-Z_]+)` \| (\d+) \|/gm)];

  it("documents every code with its exit code, and no other", () => {
    expect(Object.fromEntries(rows.map(([, code, exit]) => [code, Number(exit)]))).toEqual(errorCodes);
  });

  it("documents no code that nothing throws", () => {
    const sources = readdirSync(join(root, "src"), { recursive: true, encoding: "utf8" })
      .filter((file) => file.endsWith(".ts") && file !== "error.ts")
      .map((file) => readFileSync(join(root, "src", file), "utf8"))
      .join("\n");
    expect(Object.keys(errorCodes).filter((code) => !sources.includes(`"${code}"`))).toEqual([]);
  });
});
