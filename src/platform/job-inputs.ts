import { KubefileError } from "../error.ts";
import { parseDuration } from "./input-values.ts";
import { type Input, type Inputs, isIn, jobInputName, takesMany, type ValuesOf } from "./inputs.ts";
import type { Environment } from "./platform.ts";

export interface JobInputOptions {
  /** The CI system fills defaults in: what says no more than its default was not given. */
  readonly filled?: boolean;
}

/**
 * What a job was asked. CI systems hand inputs over as text; an empty one was not given, so that `kubefile.yaml` can
 * speak.
 *
 * @param read the text of an input by its name in a job
 * @throws KubefileError USAGE naming every input that cannot be read
 */
export function readJobInputs<Table extends Inputs>(
  inputs: Table,
  read: (name: string) => string,
  { filled = true }: JobInputOptions = {},
): ValuesOf<Table> {
  const problems: string[] = [];
  const values = Object.entries(inputs).flatMap(([key, input]): unknown[][] => {
    const name = jobInputName(key, input);
    const text = isIn("job", input) ? read(name).trim() : "";
    if (text === "" || (filled && text === input.default)) return [];
    try {
      return [[key, readText(text, name, input)]];
    } catch (error) {
      if (!(error instanceof KubefileError)) throw error;
      problems.push(error.hint === undefined ? error.message : `${error.message}: ${error.hint}`);
      return [];
    }
  });
  if (problems.length > 0) {
    throw new KubefileError("USAGE", problems.join("\n"), { hint: "mend the inputs of this job" });
  }
  // The table decides the types: each text was read by its kind.
  return Object.fromEntries(values);
}

/** The text of an action's input, as runners of GitHub Actions hand it over: `INPUT_BUILD-ARGS`. */
export function actionInput(env: Environment, name: string): string {
  return env[`INPUT_${name.toUpperCase()}`]?.trim() ?? "";
}

/** What the inputs of an action ask for. The actions state no defaults, so that even `push: false` is somebody's word. */
export function inputsOfAction<Table extends Inputs>(inputs: Table, env: Environment): ValuesOf<Table> {
  return readJobInputs(inputs, (name) => actionInput(env, name), { filled: false });
}

/** The variable by which components and workflows hand an input over to the command. */
export function inputVariable(name: string): string {
  return `KUBEFILE_INPUT_${name.toUpperCase().replaceAll("-", "_")}`;
}

/** What the variables of a job ask for; nothing outside of one. */
export function inputsOfVariables<Table extends Inputs>(inputs: Table, env: Environment): ValuesOf<Table> {
  const isJob = env.GITLAB_CI === "true" || env.GITHUB_ACTIONS === "true";
  return readJobInputs(inputs, (name) => (isJob ? (env[inputVariable(name)] ?? "") : ""));
}

function readText(text: string, name: string, input: Input): unknown {
  if (takesMany(input)) {
    return text
      .split(input.commas === true ? /[\n,]/ : "\n")
      .map((line) => line.trim())
      .filter((line) => line !== "");
  }
  if (input.kind === "duration") return parseDuration(text, name);
  if (input.kind === "switch" && /^(?:True|TRUE|False|FALSE)$/.test(text)) return text.toLowerCase() === "true";
  const choices = input.kind === "switch" ? ["true", "false"] : input.choices;
  if (choices?.includes(text) === false) {
    throw new KubefileError("USAGE", `${name} ${JSON.stringify(text)} is none of ${choices.join(", ")}`);
  }
  return input.kind === "switch" ? text === "true" : text;
}
