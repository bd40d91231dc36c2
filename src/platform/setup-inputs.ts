import { pinnedHelm, pinnedKind, pinnedKubectl } from "../cluster/pinned-tools.ts";
import type { Inputs, ValuesOf } from "./inputs.ts";

/** What `actions/setup` takes. */
export const setupInputs = {
  tools: {
    kind: "list",
    commas: true,
    without: "kind, kubectl and helm",
    help: "programs to put on PATH beside kubefile; none for kubefile alone",
    only: ["job"],
  },
  kindVersion: { kind: "text", default: pinnedKind.version, help: "another release of kind", only: ["job"] },
  kubectlVersion: { kind: "text", default: pinnedKubectl.version, help: "another release of kubectl", only: ["job"] },
  helmVersion: { kind: "text", default: pinnedHelm.version, help: "another release of helm", only: ["job"] },
  downloadMirror: {
    kind: "text",
    help: "where runners without internet find the releases: an address in front of HOST/PATH of each file",
    only: ["job"],
  },
} as const satisfies Inputs;

export type SetupFlags = ValuesOf<typeof setupInputs>;
