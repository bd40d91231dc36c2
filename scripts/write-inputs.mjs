// Writes what the table of inputs says into the files that repeat it: descriptions and defaults of schemas/kubefile.schema.json.
import { readFileSync, writeFileSync } from "node:fs";
import { buildInputs } from "../lib/platform/build-inputs.js";
import { fileKeyHelp, isIn } from "../lib/platform/inputs.js";

const schemaFile = new URL("../schemas/kubefile.schema.json", import.meta.url);
let text = readFileSync(schemaFile, "utf8");
for (const [key, input] of Object.entries(buildInputs)) {
  if (!isIn("file", input)) continue;
  const property = new RegExp(`^    "${key}": \\{\\n.*?^    \\}`, "ms").exec(text)?.[0];
  if (property === undefined) throw new Error(`add ${key} with its type to schemas/kubefile.schema.json first`);
  // Formatting and everything else of the file stay as people wrote them.
  const kept = property.replace(/,?\n {6}"(?:description|default)": .*?(?=,?\n)/g, "").replace(/\{,?\n/, "{\n");
  const value = input.kind === "switch" ? input.default === "true" : input.default;
  const described = kept.replace("{\n", `{\n      "description": ${JSON.stringify(fileKeyHelp(key, input))},\n`);
  text = text.replace(property, () =>
    value === undefined
      ? described
      : described.replace(/\n {4}\}$/, `,\n      "default": ${JSON.stringify(value)}\n    }`),
  );
}
writeFileSync(schemaFile, text);
