// Writes what the tables of inputs say into the files that repeat it: descriptions and defaults of
// schemas/kubefile.schema.json, the inputs of every action, the tables of their pages, and in the reusable workflows what
// stands between the comments that name a table.
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { stringify } from "yaml";
import { actionTables } from "../lib/platform/action-tables.js";
import { buildInputs } from "../lib/platform/build-inputs.js";
import { actionInputFields, actionInputRows, fileKeyHelp, isIn, jobInputName } from "../lib/platform/inputs.js";
import { rewriteWorkflow } from "../lib/platform/workflow-inputs.js";

const root = new URL("../", import.meta.url);

function rewrite(path, change) {
  const file = new URL(path, root);
  writeFileSync(file, change(readFileSync(file, "utf8")));
}

rewrite("schemas/kubefile.schema.json", (before) => {
  let text = before;
  for (const [key, input] of Object.entries(buildInputs)) {
    if (!isIn("file", input)) continue;
    const property = new RegExp(`^    "${key}": \\{\\n.*?^    \\}`, "ms").exec(text)?.[0];
    if (property === undefined) throw new Error(`add ${key} with its type to schemas/kubefile.schema.json first`);
    // Formatting and everything else of the file stay as people wrote them.
    const kept = property.replace(/,?\n {6}"(?:description|default)": .*?(?=,?\n)/g, "").replace(/\{,?\n/, "{\n");
    const isSwitch = input.kind === "switch" && input.default !== undefined;
    const value = isSwitch ? input.default === "true" : input.default;
    const end = value === undefined ? "\n    }" : `,\n      "default": ${JSON.stringify(value)}\n    }`;
    const described = kept
      .replace("{\n", () => `{\n      "description": ${JSON.stringify(fileKeyHelp(key, input))},\n`)
      .replace(/\n {4}\}$/, () => end);
    text = text.replace(property, () => described);
  }
  return text;
});

for (const [directory, inputs] of Object.entries(actionTables)) {
  const fields = Object.entries(inputs).map(([key, input]) => [jobInputName(key, input), actionInputFields(input)]);
  const block = stringify({ inputs: Object.fromEntries(fields) }, { lineWidth: 0 });
  const page = directory === "." ? "docs/github.md" : `${directory}/README.md`;
  const table = `<!-- inputs -->\n${actionInputRows(inputs).join("\n")}\n<!-- /inputs -->`;
  rewrite(page, (text) => text.replace(/<!-- inputs -->.*<!-- \/inputs -->/s, () => table));
  rewrite(`${directory}/action.yml`, (text) => text.replace(/^inputs:.*?\n(?=\S)/ms, () => block));
}

for (const name of readdirSync(new URL(".github/workflows/", root))) {
  rewrite(`.github/workflows/${name}`, rewriteWorkflow);
}
