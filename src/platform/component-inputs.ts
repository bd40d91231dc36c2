import { buildInputs } from "./build-inputs.ts";
import { type Input, type Inputs, isIn, jobInputHelp, jobInputName } from "./inputs.ts";
import { inputVariable } from "./job-inputs.ts";
import { launchInputs } from "./launch-inputs.ts";
import { previewInputs } from "./preview-inputs.ts";

/** An input of a component for GitLab: how its header declares it, and the variable that hands it to the command. */
export interface ComponentInput {
  readonly name: string;
  readonly spec: InputSpec;
  readonly variable: string;
  /** What the variable is set to. */
  readonly value: string | { readonly value: string; readonly expand: false };
}

/** @see https://docs.gitlab.com/ci/yaml/#specinputs */
export interface InputSpec {
  readonly type: "string" | "boolean";
  readonly default: string | boolean;
  readonly options?: readonly string[];
  /** RE2. */
  readonly regex?: string;
  readonly description: string;
}

/**
 * Inputs that components do not have. Most they answer themselves: they push by digest, and promote moves the tags. The
 * value of a secret would be seen by whoever sees the pipeline's configuration; variables are named instead.
 */
const answered: Readonly<Record<string, readonly string[]>> = {
  build: ["tag", "push", "pushByDigest", "verify", "secrets"],
  preview: ["tag", "push", "pushByDigest", "secrets", "report", "verdict"],
};

const own = "type=registry,ref=$KUBEFILE_CACHE";
/** A request's own records have its prefix, so that they can be removed with it. */
const ofRequest = `${own},prefix=mr-$CI_MERGE_REQUEST_IID`;

/** Where components say more than the command does: each project has a registry of its own to keep results in. */
const defaults: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  build: { cacheFrom: own, cacheTo: own },
  preview: { cacheFrom: `${own}\n${ofRequest}`, cacheTo: ofRequest },
};

/** Commands: what looks like a variable of the job there is one of the shell that runs them. */
const commands: readonly string[] = ["test"];

const tables: Readonly<Record<string, Inputs>> = { build: buildInputs, verify: launchInputs, preview: previewInputs };

/** The inputs of the components that run a verb, in the order of its table. */
export function componentInputs(verb: string): readonly ComponentInput[] {
  const table = tables[verb];
  if (table === undefined) throw new Error(`there is no table of inputs for ${verb}`);
  return Object.entries(table)
    .filter(([key, input]) => isIn("job", input) && answered[verb]?.includes(key) !== true)
    .map(([key, input]) => {
      const name = jobInputName(key, input);
      const spec = { ...specOf(input), ...defaultOf(verb, key) };
      // A value that is an input alone keeps its type, and GitLab takes no boolean for a variable: the blank makes it text.
      const value = `$[[ inputs.${name} ]]${spec.type === "boolean" ? " " : ""}`;
      const literal = { value, expand: false } as const;
      return { name, spec, variable: inputVariable(name), value: commands.includes(key) ? literal : value };
    });
}

function defaultOf(verb: string, key: string): { readonly default?: string } {
  const found = defaults[verb]?.[key];
  return found === undefined ? {} : { default: found };
}

function specOf(input: Input): InputSpec {
  const description = jobInputHelp(input);
  switch (input.kind) {
    case "switch":
      // Without a default there are three answers: on, off, and whatever else decides.
      return input.default === undefined
        ? { type: "string", default: "", options: ["", "true", "false"], description }
        : { type: "boolean", default: input.default === "true", description };
    case "choice":
      return { type: "string", default: input.default ?? "", options: input.choices ?? [], description };
    case "duration":
      return { type: "string", default: input.default ?? "", regex: "^([0-9]+(\\.[0-9]+)?(ms|s|m|h))+$", description };
    default:
      return { type: "string", default: input.default ?? "", description };
  }
}
