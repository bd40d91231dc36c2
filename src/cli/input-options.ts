import { type Command, Option } from "commander";
import { parseDuration } from "../platform/input-values.ts";
import { flagHelp, flagName, type Input, type Inputs, isIn, takesMany, type ValuesOf } from "../platform/inputs.ts";
import { inputsOfVariables } from "../platform/job-inputs.ts";
import type { Environment } from "../platform/platform.ts";

/** Gives a verb a flag for each input that the command line has. */
export function addInputs(command: Command, inputs: Inputs): Command {
  for (const [key, input] of Object.entries(inputs)) {
    if (!isIn("command", input)) continue;
    command.addOption(optionOf(key, input));
    // Neither way is the default, so there is a flag for either.
    if (input.kind === "switch" && input.without !== undefined) {
      command.addOption(new Option(`--no-${flagName(key)}`, `the opposite of --${flagName(key)}`));
    }
  }
  return command;
}

/** What was asked: flags over the variables of a job. */
export function askedInputs<Table extends Inputs>(command: Command, inputs: Table, env: Environment): ValuesOf<Table> {
  return { ...inputsOfVariables(inputs, env), ...writtenInputs(command, inputs) };
}

/** What was written on the command line. Commander's own defaults are left out: only what a user wrote counts. */
export function writtenInputs<Table extends Inputs>(command: Command, inputs: Table): ValuesOf<Table> {
  const values = Object.entries(inputs).flatMap(([key, input]): unknown[][] => {
    const option = command.options.find(({ long }) => long === longFlag(key, input));
    if (option === undefined || command.getOptionValueSource(option.attributeName()) !== "cli") return [];
    const value: unknown = command.getOptionValue(option.attributeName());
    // To commander each flag that begins with --no- denies another one; `noCache` is one of its own.
    return [[key, value === false && option.attributeName() !== key ? true : value]];
  });
  // The table decides the types: addInputs gave each flag the parser of its kind.
  return Object.fromEntries(values);
}

function optionOf(key: string, input: Input): Option {
  const short = input.short === undefined ? "" : `-${input.short}, `;
  const value = input.kind === "switch" ? "" : ` <${input.value ?? "value"}>`;
  const option = new Option(`${short}${longFlag(key, input)}${value}`, flagHelp(input));
  if (input.choices !== undefined) return option.choices(input.choices);
  if (input.kind === "duration") return option.argParser((text) => parseDuration(text, longFlag(key, input)));
  if (takesMany(input)) return option.argParser(collect);
  return option;
}

/** A switch that is on by default is turned off on the command line. */
function longFlag(key: string, input: Input): string {
  return `--${input.kind === "switch" && input.default === "true" ? "no-" : ""}${flagName(key)}`;
}

/** @param before what commander has so far: nothing, or `true` where the flag's name begins with no- */
function collect(value: string, before: unknown): unknown[] {
  return [...(Array.isArray(before) ? before : []), value];
}
