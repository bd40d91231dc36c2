import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { checkOutputFiles, writeJson } from "../../../src/pipeline/output-files.ts";
import { temporaryDirectories } from "../../support/temporary-directory.ts";

const temporaryDirectory = temporaryDirectories();

describe("checkOutputFiles", () => {
  it("takes files that are there, or can be", async () => {
    const directory = await temporaryDirectory();
    const files = [join(directory, "report.json"), join(directory, "new.json")];
    await writeFile(join(directory, "report.json"), "old");
    await checkOutputFiles(files);
    for (const file of files) await writeJson(file, { written: true });
    for (const file of files) expect(JSON.parse(await readFile(file, "utf8"))).toEqual({ written: true });
  });

  it("names every file that cannot be written", async () => {
    const directory = await temporaryDirectory();
    await mkdir(join(directory, "taken"));
    await writeFile(join(directory, "plain"), "");
    const files = ["taken", "missing/report.json", "plain/report.json"].map((name) => join(directory, name));
    await expect(checkOutputFiles(files)).rejects.toMatchObject({
      code: "USAGE",
      message: [
        `cannot write ${files[0]}: it is a directory`,
        `cannot write ${files[1]}: there is no directory ${join(directory, "missing")}`,
        `cannot write ${files[2]}: there is no directory ${join(directory, "plain")}`,
      ].join("\n"),
    });
  });
});
