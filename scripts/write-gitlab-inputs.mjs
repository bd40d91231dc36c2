// Writes what the tables of inputs say into gitlab-templates/*.yml, between the comments that name a table, and from there
// into docs/gitlab-inputs.md. Run it after `npm run build` when an input is new or its help has changed.
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { parseAllDocuments, stringify } from "yaml";
import { componentInputs } from "../lib/platform/component-inputs.js";
import { componentInputsPage } from "../lib/platform/component-inputs-page.js";

const directory = new URL("../gitlab-templates/", import.meta.url);
const region = (what) =>
  new RegExp(`^( *)# ${what} of \`kubefile (\\w+)\`[^\\n]*\\n.*?^ *# End of ${what.toLowerCase()}\\n`, "gms");

for (const name of readdirSync(directory).filter((file) => file.endsWith(".yml"))) {
  const file = new URL(name, directory);
  const text = readFileSync(file, "utf8")
    .replace(region("Inputs"), (before, margin, table) =>
      rewritten(before, margin, Object.fromEntries(componentInputs(table).map(({ name, spec }) => [name, spec]))),
    )
    .replace(region("Variables"), (before, margin, table) =>
      rewritten(
        before,
        margin,
        Object.fromEntries(componentInputs(table).map(({ variable, value }) => [variable, value])),
      ),
    );
  writeFileSync(file, text);
}

const components = readdirSync(directory).map((name) => {
  const text = readFileSync(new URL(name, directory), "utf8");
  return { name, about: text.split("\n")[0].slice(2), inputs: parseAllDocuments(text)[0].toJS().spec.inputs };
});
writeFileSync(new URL("../docs/gitlab-inputs.md", import.meta.url), componentInputsPage(components));

/** The first and the last line stay. */
function rewritten(before, margin, content) {
  const lines = before.trimEnd().split("\n");
  const written = stringify(content, { lineWidth: 0, defaultStringType: "PLAIN" }).trimEnd().split("\n");
  return [lines[0], ...written.map((line) => `${margin}${line}`), lines.at(-1), ""].join("\n");
}
