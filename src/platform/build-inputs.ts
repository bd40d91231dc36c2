import { pullPolicies } from "../plan/rehearsal-decision.ts";
import { trustLevels } from "./cache-trust.ts";
import { imageInputs } from "./image-inputs.ts";
import type { Inputs, ValuesOf } from "./inputs.ts";
import { progressStyles } from "./progress-style.ts";
import { secretInputs } from "./secret-inputs.ts";

/** What every verb takes that talks to registries. */
export const hostInputs = {
  mirror: {
    kind: "map",
    value: "host=url",
    jobName: "mirrors",
    help: "reach a registry at another address",
  },
  insecure: {
    kind: "list",
    value: "host",
    help: "a registry that speaks plain http, HOST or HOST:PORT",
  },
  progress: {
    kind: "choice",
    value: "style",
    choices: ["auto", ...progressStyles],
    default: "auto",
    help: "how progress is shown",
    only: ["command", "file"],
  },
  store: {
    kind: "path",
    value: "dir",
    help: "the local blob store",
    only: ["command", "job"],
  },
} as const satisfies Inputs;

/** What a rehearsal and every other launch takes. */
export const clusterInputs = {
  nodeImage: {
    kind: "text",
    value: "image",
    without: "by KUBEVERSION",
    help: "the kind node image",
  },
  kindConfig: {
    kind: "path",
    value: "file",
    help: "a kind configuration to build upon",
  },
  runImage: {
    kind: "text",
    value: "image",
    without: "the release's own",
    help: "the launch container's image",
  },
  quietWindow: {
    kind: "duration",
    value: "time",
    default: "20s",
    help: "how long nothing new may appear before a launch has settled",
  },
  timeout: {
    kind: "duration",
    value: "time",
    default: "10m",
    help: "how long the launch may take to settle",
  },
} as const satisfies Inputs;

/** `kubefile build`, the root action, the GitLab component `build`, and `kubefile.yaml`. */
export const buildInputs = {
  file: {
    kind: "path",
    short: "f",
    value: "file",
    default: "Kubefile",
    help: "the Kubefile; without it the one in the context",
  },
  tag: {
    kind: "list",
    short: "t",
    value: "ref",
    jobName: "tags",
    commas: true,
    help: "name of the result, [REGISTRY/]NAME[:TAG]",
  },
  push: {
    kind: "switch",
    default: "false",
    help: "push to the registries of the tags",
  },
  pushByDigest: {
    kind: "switch",
    default: "false",
    help: "push to the repositories of the tags, but move no tag: `kubefile promote` does, once it is verified",
    only: ["command", "job"],
  },
  verify: {
    kind: "switch",
    default: "false",
    help: "launch the result once more with the network cut, in another cluster, before any tag moves",
    only: ["command", "job"],
  },
  output: {
    kind: "list",
    short: "o",
    value: "spec",
    jobName: "outputs",
    help: "also write type=oci,dest=FILE",
  },
  platform: {
    kind: "list",
    value: "os/arch",
    jobName: "platforms",
    commas: true,
    without: "this machine's",
    help: "what to build for; a rehearsal takes the engine's own platform alone",
  },
  buildArg: {
    kind: "map",
    value: "k=v",
    jobName: "build-args",
    help: "value of an ARG",
  },
  label: {
    kind: "map",
    value: "name=value",
    jobName: "labels",
    help: "a label of the result, over those of the Kubefile",
  },
  annotation: {
    kind: "map",
    value: "name=value",
    jobName: "annotations",
    help: "an annotation of the result's manifest, over those that tell where it comes from",
  },
  ...secretInputs,
  ...imageInputs,
  baseRegistry: {
    kind: "text",
    value: "registry",
    without: "docker.io",
    help: "where images of FROM and COPY --from are looked for whose names have no registry, HOST or HOST/PATH",
  },
  capture: {
    kind: "choice",
    value: "how",
    choices: ["cluster", "static"],
    default: "cluster",
    help: "how images are found: by a rehearsal in a cluster, or by reading files alone",
  },
  wait: {
    kind: "choice",
    value: "until",
    choices: ["ready", "pulled"],
    default: "ready",
    help: "when a rehearsal is done: all pods ready, or all images pulled",
  },
  include: {
    kind: "list",
    value: "image",
    help: "an image to capture in any case",
  },
  exclude: {
    kind: "list",
    value: "pattern",
    help: "images to leave out, a pattern such as ghcr.io/shop/**",
  },
  launchNetwork: {
    kind: "switch",
    default: "false",
    help: "leave the network open during the launch; the artifact then says so",
  },
  defaultCni: {
    kind: "switch",
    default: "true",
    help: "the cluster's own pod network; left out when the launch brings one",
    off: "make the cluster without a pod network of its own, since the launch brings one",
  },
  keepCluster: {
    kind: "switch",
    default: "false",
    help: "leave the cluster in place to look at it; `kubefile clean --run NAME` removes it",
    only: ["command"],
  },
  run: {
    kind: "choice",
    value: "where",
    choices: ["container", "host"],
    default: "container",
    help: "where RUN steps run: in the launch container, or on the machine itself",
  },
  lock: {
    kind: "switch",
    without: "when kubefile.lock is there",
    help: "hold on to the digests in kubefile.lock beside the Kubefile, and write what the build stood for",
  },
  locked: {
    kind: "switch",
    default: "false",
    help: "build exactly what kubefile.lock says, or fail with what differs",
  },
  ...clusterInputs,
  cacheFrom: {
    kind: "list",
    value: "spec",
    help: "where to look for results of earlier builds: type=registry,ref=REPO or type=local,src=DIR or type=gha",
  },
  cacheTo: {
    kind: "list",
    value: "spec",
    help: "where to keep results for later builds: type=registry,ref=REPO or type=local,dest=DIR or type=gha",
  },
  cacheTrust: {
    kind: "choice",
    value: "whom",
    choices: ["auto", ...trustLevels],
    default: "auto",
    help: "whose results are believed, and whether this build's are kept; told by the CI system's variables",
    only: ["command", "job"],
  },
  pull: {
    kind: "choice",
    value: "when",
    choices: pullPolicies,
    default: "changed",
    help: "when a rehearsal that is known is run again: always, when a captured tag has moved, or never",
  },
  noCache: {
    kind: "switch",
    default: "false",
    help: "use no results of earlier builds: execute every step, and rehearse the launch",
  },
  noCacheFilter: {
    kind: "list",
    value: "step",
    jobName: "no-cache-filters",
    help: "a step to execute in any case: its number, a keyword such as RUN or LAUNCH, or a stage's name",
  },
  base: {
    kind: "text",
    value: "ref",
    without: "the image of the base branch, by the scheme of tags",
    help: "in CI: the image that the result is compared with on the job's page, or none",
    only: ["command", "job"],
  },
  metadataFile: {
    kind: "path",
    value: "file",
    help: "write digest, references and images as JSON",
    only: ["command"],
  },
  report: {
    kind: "path",
    value: "file",
    help: "write the whole report as JSON",
    only: ["command"],
  },
  ...hostInputs,
} as const satisfies Inputs;

export type HostFlags = ValuesOf<typeof hostInputs>;

/** What was asked of a build; what was not is absent, so that `kubefile.yaml` can speak. */
export type BuildFlags = ValuesOf<typeof buildInputs>;
