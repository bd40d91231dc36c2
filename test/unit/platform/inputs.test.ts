import { readdirSync, readFileSync } from "node:fs";
import { basename } from "node:path";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { createProgram } from "../../../src/cli/main.ts";
import { actionTables } from "../../../src/platform/action-tables.ts";
import { buildInputs } from "../../../src/platform/build-inputs.ts";
import { parseDuration } from "../../../src/platform/input-values.ts";
import {
  actionInputFields,
  actionInputRows,
  fileKeyHelp,
  flagName,
  type Input,
  type Inputs,
  isIn,
  jobInputName,
} from "../../../src/platform/inputs.ts";
import { launchInputs } from "../../../src/platform/launch-inputs.ts";
import { lockInputs } from "../../../src/platform/lock-inputs.ts";
import { previewInputs } from "../../../src/platform/preview-inputs.ts";
import { commandContext } from "../cli/command.ts";

const tables: Readonly<Record<string, Inputs>> = {
  build: buildInputs,
  lock: lockInputs,
  run: launchInputs,
  verify: launchInputs,
  preview: previewInputs,
};
const rows = Object.entries(tables).flatMap(([verb, inputs]) =>
  Object.entries(inputs).map(([key, input]): [string, string, Input] => [verb, key, input]),
);
const schema: {
  readonly properties: Readonly<Record<string, { readonly description: string; readonly default?: unknown }>>;
} = JSON.parse(readFileSync(new URL("../../../schemas/kubefile.schema.json", import.meta.url), "utf8"));

describe("the table of inputs", () => {
  test.each(rows)("%s %s: help is lower case without a full stop, a default can be read", (_, key, input) => {
    expect(input.help, key).toMatch(/^[a-z`[][^\n]*[^.]$/);
    if (input.default === undefined) return;
    if (input.kind === "duration") expect(parseDuration(input.default, key)).toBeGreaterThan(0);
    if (input.kind === "choice") expect(input.choices).toContain(input.default);
    if (input.kind === "switch") expect(["true", "false"]).toContain(input.default);
    expect(["text", "path", "choice", "switch", "duration"]).toContain(input.kind);
  });
});

describe("the command line", () => {
  const program = createProgram(commandContext({ cwd: "/" }), () => undefined);

  test.each(Object.keys(tables))("%s has a flag for each of its inputs, and shows its help and default", (verb) => {
    const options = program.commands.find((command) => command.name() === verb)?.options ?? [];
    for (const [key, input] of Object.entries(tables[verb] ?? {})) {
      const off = input.kind === "switch" && input.default === "true";
      const option = options.find(({ long }) => long === `--${off ? "no-" : ""}${flagName(key)}`);
      expect(option === undefined, key).toBe(!isIn("command", input));
      if (option === undefined) continue;
      expect(option.description).toContain(input.off ?? input.help);
      if (input.off !== undefined) continue;
      const shown = input.without ?? input.default;
      if (shown !== undefined && shown !== "false") expect(option.description).toContain(`(default: ${shown})`);
      expect(option.argChoices).toEqual(input.choices);
    }
  });

  test("has no flag of build that is not in the table", () => {
    const flags = program.commands.find((command) => command.name() === "build")?.options ?? [];
    const names = Object.keys(buildInputs).map(flagName);
    expect(
      flags
        .map(({ long }) => long?.replace(/^--(no-(?=default-|lock$))?/, ""))
        .filter((name) => !names.includes(name ?? "")),
    ).toEqual([]);
  });
});

describe("schemas/kubefile.schema.json", () => {
  const inFile = Object.entries<Input>(buildInputs).filter(([, input]) => isIn("file", input));

  test("has the keys of the table, and no others", () => {
    expect(Object.keys(schema.properties).sort()).toEqual(inFile.map(([key]) => key).sort());
  });

  test.each(inFile)("%s: help and default are the table's", (key, input) => {
    const property = schema.properties[key];
    expect(property?.description).toBe(fileKeyHelp(key, input));
    expect(property?.default === undefined ? undefined : String(property.default)).toBe(input.default);
  });
});

describe.each(Object.entries(actionTables))("%s/action.yml", (directory, inputs) => {
  const folder = new URL(`../../../${directory}/`, import.meta.url);
  const action: {
    readonly inputs?: Readonly<Record<string, { description: string; default?: string; required?: boolean }>>;
    readonly outputs: Readonly<Record<string, { description: string }>>;
    readonly runs: { readonly using: string; readonly main: string; readonly post?: string; "post-if"?: string };
  } = parse(readFileSync(new URL("action.yml", folder), "utf8"));

  test("states the inputs of its table as `npm run inputs` writes them", () => {
    const expected = Object.entries(inputs).map(([key, input]) => [jobInputName(key, input), actionInputFields(input)]);
    expect(action.inputs).toEqual(Object.fromEntries(expected));
  });

  test("has a page with them", () => {
    const page = directory === "." ? "../../../docs/github.md" : `../../../${directory}/README.md`;
    expect(readFileSync(new URL(page, import.meta.url), "utf8")).toContain(
      `<!-- inputs -->\n${actionInputRows(inputs).join("\n")}\n<!-- /inputs -->`,
    );
  });

  test("fills in no default of what kubefile.yaml may say", () => {
    for (const [key, input] of Object.entries(inputs)) {
      if (key in schema.properties) expect(action.inputs?.[jobInputName(key, input)]?.default, key).toBeUndefined();
    }
  });

  test("runs a bundle of this repository on Node 24, and one afterwards that is never left out", () => {
    const { using, main, post } = action.runs;
    expect(using).toBe("node24");
    for (const path of [main, post]) {
      if (path !== undefined)
        expect(new URL(path, folder).href).toBe(new URL(`../../../dist/${basename(path)}`, import.meta.url).href);
    }
    expect(action.runs["post-if"]).toBeUndefined();
  });
});

test("every action has a table", () => {
  const folders = readdirSync(new URL("../../../actions/", import.meta.url)).map((name) => `actions/${name}`);
  expect(Object.keys(actionTables).sort()).toEqual([".", ...folders].sort());
});
