import { parse, stringify } from "yaml";
import { buildInputs } from "./build-inputs.ts";
import { cleanInputs } from "./clean-inputs.ts";
import { type Input, type Inputs, isIn, jobInputHelp, jobInputName } from "./inputs.ts";
import { launchInputs } from "./launch-inputs.ts";
import { previewInputs } from "./preview-inputs.ts";

/**
 * Inputs that the workflows answer themselves: they push by digest, and tags move once all is proven. What RUN is given comes
 * from their secret `build-secrets`, as GitHub lets no caller put a secret into an input.
 */
const answered: readonly string[] = [
  ...["tag", "push", "pushByDigest", "verify", "all", "pullRequest"],
  ...["secrets", "secretEnvs", "secretFiles"],
];

const tables: Readonly<Record<string, Inputs>> = {
  build: buildInputs,
  verify: launchInputs,
  preview: previewInputs,
  clean: cleanInputs,
};

/**
 * Writes the tables into a workflow, between the comments that name one: `# Inputs of `kubefile build`` where inputs are
 * declared, `# Values of `kubefile build`` where a step hands on those that are. `but lock, locked` leaves some out.
 */
export function rewriteWorkflow(text: string): string {
  const declared = rewriteRegions(text, "Inputs", (verb, without) => {
    const entries = inputsOf(verb, without).map(([name, input]) => [name, declaration(input)]);
    return Object.fromEntries(entries);
  });
  const names = Object.keys(parse(declared).on.workflow_call?.inputs ?? {});
  return rewriteRegions(declared, "Values", (verb, without) => {
    const entries = inputsOf(verb, without).filter(([name]) => names.includes(name));
    return Object.fromEntries(entries.map(([name]) => [name, `\${{ inputs.${name} }}`]));
  });
}

/** What a verb's table gives to a reusable workflow: by name, in the table's order. */
function inputsOf(verb: string, without: readonly string[]): readonly (readonly [name: string, input: Input])[] {
  const table = tables[verb];
  if (table === undefined) throw new Error(`there is no table of inputs for ${verb}`);
  return Object.entries(table)
    .filter(([key, input]) => isIn("job", input) && !answered.includes(key) && !without.includes(key))
    .map(([key, input]) => [jobInputName(key, input), input]);
}

/**
 * All are text, and empty until somebody says something: a boolean would be false from the start, and `kubefile.yaml`
 * would never speak.
 */
function declaration(input: Input): object {
  return { type: "string", default: "", description: jobInputHelp(input) };
}

function rewriteRegions(
  text: string,
  kind: "Inputs" | "Values",
  content: (verb: string, without: readonly string[]) => object,
): string {
  const region = new RegExp(
    `^( *)# ${kind} of \`kubefile (\\w+)\`(?: but ([\\w, -]+))?, written by .*\\n(?:.*\\n)*? *# End of ${kind.toLowerCase()}\\n`,
    "gm",
  );
  return text.replace(region, (before: string, margin: string, verb: string, without = "") => {
    const [first = "", ...rest] = before.trimEnd().split("\n");
    const lines = stringify(content(verb, without.split(", ")), { lineWidth: 0 })
      .trimEnd()
      .split("\n");
    return [first, ...lines.map((line) => `${margin}${line}`), rest.at(-1) ?? "", ""].join("\n");
  });
}
