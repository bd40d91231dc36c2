import { hostInputs } from "./build-inputs.ts";
import type { Inputs } from "./inputs.ts";

/** `kubefile index create`. */
export const indexInputs = {
  tag: {
    kind: "list",
    short: "t",
    value: "ref",
    help: "name of the index, REGISTRY/NAME[:TAG]; each image gets TAG-ARCH beside it",
  },
  mixedGrades: {
    kind: "switch",
    default: "false",
    help: "join platforms of different grades; the index says which were not rehearsed",
  },
  ...hostInputs,
} as const satisfies Inputs;
