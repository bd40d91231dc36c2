import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { createProgram } from "../../../src/cli/main.ts";
import { buildInputs } from "../../../src/platform/build-inputs.ts";
import { parseDuration } from "../../../src/platform/input-values.ts";
import { fileKeyHelp, flagName, type Input, type Inputs, isIn } from "../../../src/platform/inputs.ts";
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
      expect(option.description).toContain(input.help);
      const shown = input.default ?? input.without;
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
