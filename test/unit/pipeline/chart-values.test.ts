import { mkdir, readFile, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { applyValues, mergeValues } from "../../../src/pipeline/chart-values.ts";
import { temporaryDirectories } from "../../support/temporary-directory.ts";

const temporaryDirectory = temporaryDirectories();

describe("mergeValues", () => {
  it("merges maps, replaces all else, and takes away what is null", () => {
    const below = { image: { tag: "1", pull: "Always" }, hosts: ["a", "b"], debug: true };
    const above = { image: { tag: "2" }, hosts: ["c"], debug: null, more: { deep: 1 } };
    expect(mergeValues(below, above)).toEqual({
      image: { tag: "2", pull: "Always" },
      hosts: ["c"],
      more: { deep: 1 },
    });
  });

  it("takes __proto__ for a key like any other", () => {
    const merged = mergeValues({}, JSON.parse('{"__proto__": {"polluted": true}}'));
    expect(Object.keys(merged)).toEqual(["__proto__"]);
    expect(Reflect.get({}, "polluted")).toBeUndefined();
  });
});

describe("applyValues", () => {
  async function rootfs(chart: string): Promise<{ root: string; file: string }> {
    const directory = await temporaryDirectory();
    const root = join(directory, "rootfs");
    await mkdir(join(root, chart), { recursive: true });
    await writeFile(join(root, chart, "Chart.yaml"), "name: cart\n");
    await writeFile(join(root, chart, "values.yaml"), "a: 1\nb: { c: 2 }\n");
    const file = join(directory, "given.yaml");
    await writeFile(file, "b: { d: 3 }\n");
    return { root, file };
  }

  it.each(["application/apps/cart", "charts/cart"])(
    "finds the chart %s by its short and by its whole name",
    async (chart) => {
      for (const name of ["cart", chart]) {
        const { root, file } = await rootfs(chart);
        await applyValues(root, { chart: name, file });
        expect(parse(await readFile(join(root, chart, "values.yaml"), "utf8"))).toEqual({ a: 1, b: { c: 2, d: 3 } });
      }
    },
  );

  it("refuses a chart that is none, and values that are none", async () => {
    const { root, file } = await rootfs("charts/cart");
    await expect(applyValues(root, { chart: "card", file })).rejects.toMatchObject({
      code: "USAGE",
      message: 'the rootfs has no chart "card"',
    });
    await writeFile(file, "- 1\n");
    await expect(applyValues(root, { chart: "cart", file })).rejects.toMatchObject({
      code: "USAGE",
      message: `${file} holds no values`,
    });
  });

  it("writes nothing through a link that leads out of the rootfs", async () => {
    const { root, file } = await rootfs("charts/cart");
    await mkdir(join(root, "charts/evil"));
    await writeFile(join(root, "charts/evil/Chart.yaml"), "name: evil\n");
    await symlink(file, join(root, "charts/evil/values.yaml"));
    await expect(applyValues(root, { chart: "evil", file })).rejects.toMatchObject({ code: "PATH_ESCAPES" });
    expect(await readFile(file, "utf8")).toBe("b: { d: 3 }\n");
  });
});
