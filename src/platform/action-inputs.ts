import type { Inputs } from "./inputs.ts";

/** What every action takes that talks to registries; GitLab's jobs get it as a variable. */
export const registryInputs = {
  registryAuths: {
    kind: "text",
    help: "credentials for registries beside those of docker login, a YAML list of registry, username, and password or token",
    only: ["job"],
  },
} as const satisfies Inputs;

/** What actions take that launch something. */
const bundleInputs = {
  failureBundle: {
    kind: "switch",
    default: "true",
    help: "upload events, logs and objects of a failed launch as an artifact, without the secrets that are known",
    only: ["job"],
  },
} as const satisfies Inputs;

/** What the root action takes beside the inputs of a build. */
export const rootInputs = {
  context: { kind: "path", default: ".", help: "the directory a build reads", only: ["job"] },
  ...registryInputs,
  ...bundleInputs,
} as const satisfies Inputs;

/** What actions take that write to a pull request. */
const writingInputs = {
  githubToken: {
    kind: "text",
    default: "${{ github.token }}",
    without: "the job's own",
    help: "the token that comments are written with, which needs `pull-requests: write`",
    only: ["job"],
  },
} as const satisfies Inputs;

/** What `actions/verify` takes beside the inputs of a launch. */
export const verifyInputs = {
  reference: { kind: "text", required: true, help: "the cluster image in its registry", only: ["job"] },
  ...registryInputs,
  ...bundleInputs,
  githubToken: {
    ...writingInputs.githubToken,
    help: "the token that the commit is marked with, which needs `statuses: write`; nothing is marked without that",
  },
} as const satisfies Inputs;

/** What `actions/preview` takes beside the inputs of a preview. */
export const previewActionInputs = {
  context: { ...rootInputs.context, help: "the directory that the build reads" },
  reference: {
    kind: "text",
    help: "a cluster image in its registry, to be launched in place of a build of the context",
    only: ["job"],
  },
  ...registryInputs,
  ...bundleInputs,
  ...writingInputs,
} as const satisfies Inputs;

/** What `actions/diff` takes beside the inputs of a comparison. */
export const diffActionInputs = {
  from: {
    kind: "text",
    required: true,
    help: "the cluster image that sites hold: its name in a registry, or an archive's file",
    only: ["job"],
  },
  to: { kind: "text", required: true, help: "the cluster image that they get, named in the same way", only: ["job"] },
  comment: {
    kind: "switch",
    default: "false",
    help: "also write it to this pull request, over the comment of the same key",
    only: ["job"],
  },
  key: {
    kind: "text",
    default: "diff",
    help: "tells this comment from those of others on the same request",
    only: ["job"],
  },
  ...registryInputs,
  ...writingInputs,
} as const satisfies Inputs;

/** What `actions/clean` takes beside the inputs of a cleaning. */
export const cleanActionInputs = {
  repositories: {
    kind: "list",
    commas: true,
    help: "with pull-request: where its images and its cache records are",
    only: ["job"],
  },
  githubToken: {
    ...writingInputs.githubToken,
    help: "the token that tags of ghcr.io are removed with, which needs `packages: write`",
  },
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
