import type { Inputs } from "./inputs.ts";

/** What every action takes that talks to registries; GitLab's jobs get it as a variable. */
export const registryInputs = {
  registryAuths: {
    kind: "text",
    help: "credentials for registries beside those of docker login, a YAML list of registry, username, and password or token",
    only: ["job"],
  },
} as const satisfies Inputs;

/** What the root action takes beside the inputs of a build. */
export const rootInputs = {
  context: { kind: "path", default: ".", help: "the directory a build reads", only: ["job"] },
  ...registryInputs,
  failureBundle: {
    kind: "switch",
    default: "true",
    help: "upload events, logs and objects of a failed rehearsal as an artifact, without the secrets that are known",
    only: ["job"],
  },
} as const satisfies Inputs;

/** What `actions/verify` takes beside the inputs of a launch. */
export const verifyInputs = {
  reference: { kind: "text", required: true, help: "the cluster image in its registry", only: ["job"] },
  ...registryInputs,
} as const satisfies Inputs;

/** What `actions/lint` takes. */
export const lintInputs = {
  paths: {
    kind: "list",
    without: ".",
    help: "Kubefiles, or directories that hold one",
    only: ["job"],
  },
} as const satisfies Inputs;
