/**
 * What a user may ask of a run, in one form for every front end: flags of the command line, inputs of actions and of
 * GitLab components, keys of `kubefile.yaml`. Names, defaults and help of all of them follow from tables of these.
 */
export interface Input {
  readonly kind: "text" | "path" | "choice" | "switch" | "duration" | "list" | "map";
  /** Lower case, no full stop, no default: those are added where it is shown. */
  readonly help: string;
  /** Stands for the value in the help of the command line: `--tag <ref>`. */
  readonly value?: string;
  /** One letter. */
  readonly short?: string;
  /** Of the kind `choice`. */
  readonly choices?: readonly string[];
  /** What the flag does that turns off a switch which is on by default. */
  readonly off?: string;
  /** As a user would write it. */
  readonly default?: string;
  /** A job does nothing without it. */
  readonly required?: boolean;
  /** What holds without it when that is no fixed value: "by KUBEVERSION". A switch that has this goes both ways. */
  readonly without?: string;
  /** Its name in CI when that is not the flag's: lists are named in the plural there. */
  readonly jobName?: string;
  /** Jobs may separate items by commas, too, as no item can hold one. */
  readonly commas?: boolean;
  /** The front ends that have it when not all do: the command line, jobs of a CI system, `kubefile.yaml`. */
  readonly only?: readonly FrontEnd[];
}

export type FrontEnd = "command" | "job" | "file";

/** By the key in `kubefile.yaml`. */
export type Inputs = Readonly<Record<string, Input>>;

/** What was asked, by key; what was not written is absent, so that the next front end can speak. */
export type ValuesOf<Table extends Inputs> = { readonly [Key in keyof Table]?: ValueOf<Table[Key]> };

/** Durations are milliseconds; an item of a map is `NAME=VALUE`. */
type ValueOf<Each extends Input> = Each["kind"] extends "switch"
  ? boolean
  : Each["kind"] extends "duration"
    ? number
    : Each["kind"] extends "list" | "map"
      ? readonly string[]
      : Each extends { readonly choices: readonly (infer Choice)[] }
        ? Choice
        : string;

export function isIn(frontEnd: FrontEnd, { only }: Input): boolean {
  return only === undefined || only.includes(frontEnd);
}

/** `quiet-window` for the key `quietWindow`. */
export function flagName(key: string): string {
  return key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

/** The name of an input in an action or a GitLab component. */
export function jobInputName(key: string, { jobName }: Input): string {
  return jobName ?? flagName(key);
}

export function takesMany({ kind }: Input): boolean {
  return kind === "list" || kind === "map";
}

/** Help for the command line: `name of the result; may be given several times (default: none)`. */
export function flagHelp(input: Input): string {
  if (input.off !== undefined) return input.off;
  return `${input.help}${takesMany(input) ? "; may be given several times" : ""}${defaultNote(input)}`;
}

/** Help for an input of a job: a sentence. */
export function jobInputHelp(input: Input): string {
  const form = input.kind === "map" ? `, ${(input.value ?? "name=value").toUpperCase()}` : "";
  return `${sentence(input.help)}${form}${takesMany(input) ? ", one a line" : ""}${defaultNote(input)}.`;
}

/**
 * How an action.yml states an input. What `kubefile.yaml` may say has no default there: the runner would fill it in, and
 * the file would never speak.
 */
export function actionInputFields(input: Input): Readonly<Record<string, string | boolean>> {
  const stated = input.default !== undefined && !isIn("file", input);
  return {
    description: jobInputHelp(input),
    ...(input.required === true ? { required: true } : {}),
    ...(stated && input.default !== "false" ? { default: input.default } : {}),
  };
}

/** The inputs of an action as a table of its page. */
export function actionInputRows(inputs: Inputs): string[] {
  const rows = Object.entries(inputs).map(([key, input]) => {
    const { help, kind, choices } = input;
    const values = kind === "switch" ? ["true", "false"] : (choices ?? []);
    const form = values.length > 0 ? values.map((each) => `\`${each}\``).join(" or ") : formOf(input);
    const shown = input.without ?? (input.default === undefined ? "" : `\`${input.default}\``);
    return `| \`${jobInputName(key, input)}\` | ${sentence(help)} | ${form} | ${input.required === true ? "required" : shown} |`;
  });
  return ["| input | what it is | form | without it |", "| --- | --- | --- | --- |", ...rows];
}

function formOf({ kind, value }: Input): string {
  if (kind === "list") return "list, one a line";
  if (kind === "map") return `\`${(value ?? "name=value").toUpperCase()}\`, one a line`;
  return kind === "duration" ? "a time: `20s`, `1m30s`" : kind;
}

/** Help for a key of `kubefile.yaml`, whose schema states the default on its own. */
export function fileKeyHelp(key: string, input: Input): string {
  const negated = input.kind === "switch" && input.default === "true";
  return `${sentence(input.help)} (--${negated ? "no-" : ""}${flagName(key)}).`;
}

function defaultNote({ default: value, without }: Input): string {
  const shown = without ?? value;
  return shown === undefined || shown === "false" ? "" : ` (default: ${shown})`;
}

function sentence(help: string): string {
  return help.charAt(0).toUpperCase() + help.slice(1);
}
