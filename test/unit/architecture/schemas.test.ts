import { readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { Ajv2020 } from "ajv/dist/2020.js";
import { describe, expect, it } from "vitest";

const directory = resolve(import.meta.dirname, "../../../schemas");
const files = readdirSync(directory);

describe("published schemas", () => {
  it.each(files)("%s is named after its file, below the repository's address", (file) => {
    const schema: unknown = JSON.parse(readFileSync(join(directory, file), "utf8"));
    expect(schema).toMatchObject({
      $schema: "https://json-schema.org/draft/2020-12/schema",
      $id: `https://github.com/kubefile-ci/kubefile-ci/schemas/${file}`,
      title: expect.any(String),
    });
  });

  it("compile together, each under a name of its own", () => {
    const ajv = new Ajv2020({ strict: true, allowUnionTypes: true });
    for (const file of files) ajv.addSchema(JSON.parse(readFileSync(join(directory, file), "utf8")));
    for (const file of files) {
      expect(ajv.getSchema(`https://github.com/kubefile-ci/kubefile-ci/schemas/${file}`), file).toBeTypeOf("function");
    }
  });
});
