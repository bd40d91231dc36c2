import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { describe, expect, it } from "vitest";

const source = resolve(import.meta.dirname, "../../../src");

/** Lowest first. A folder imports only folders before it in this list (and itself). */
const layers = [
  "error.ts",
  "oci",
  "process",
  "kubefile",
  "store",
  "registry",
  "rootfs",
  "cluster",
  "capture",
  "image",
  "lock",
  "cache",
  "builders",
  "plan",
  "pipeline",
  "platform",
  "actions",
  "cli",
];

/** `kubefile/` depends on nothing but the error's Location type. */
const onlyErrors = ["kubefile", "oci", "process"];

const files = readdirSync(source, { recursive: true, encoding: "utf8" }).filter((file) => file.endsWith(".ts"));

function layerOf(file: string): string {
  return file.split("/")[0] ?? file;
}

function importsOf(file: string): string[] {
  const text = readFileSync(join(source, file), "utf8");
  return [...text.matchAll(/(?:from|import)\s*\(?\s*"([^"]+)"/g)].map((match) => match[1] ?? "");
}

function arrows(): { file: string; from: string; to: string }[] {
  return files.flatMap((file) =>
    importsOf(file)
      .filter((name) => name.startsWith("."))
      .map((name) => ({
        file,
        from: layerOf(file),
        to: layerOf(relative(source, resolve(source, dirname(file), name))),
      })),
  );
}

describe("the layers of src/", () => {
  it("are all known", () => {
    expect([...new Set(files.map(layerOf))].filter((layer) => !layers.includes(layer))).toEqual([]);
  });

  it("import downwards only", () => {
    const wrong = arrows().filter(({ from, to }) => layers.indexOf(to) > layers.indexOf(from));
    expect(wrong).toEqual([]);
  });

  it("keep the grammar free of the rest", () => {
    const wrong = arrows().filter(({ from, to }) => onlyErrors.includes(from) && to !== from && to !== "error.ts");
    expect(wrong).toEqual([]);
  });

  it("read the process and print only at the edges", () => {
    const edges = ["cli", "actions", "platform"];
    const wrong = files
      .filter((file) => !edges.includes(layerOf(file)))
      .filter((file) =>
        /\bprocess\.(env|exit|argv|stdout|stderr)\b|\bconsole\./.test(readFileSync(join(source, file), "utf8")),
      );
    expect(wrong).toEqual([]);
  });

  it("keep platform libraries at the edges", () => {
    const wrong = files
      .filter((file) => !["cli", "actions", "platform"].includes(layerOf(file)))
      .filter((file) => importsOf(file).some((name) => name.startsWith("@actions/") || name.startsWith("@gitbeaker/")));
    expect(wrong).toEqual([]);
  });
});
