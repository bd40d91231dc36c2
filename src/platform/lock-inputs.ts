import { buildInputs, hostInputs } from "./build-inputs.ts";
import type { Inputs } from "./inputs.ts";

/** `kubefile lock`. */
export const lockInputs = {
  file: buildInputs.file,
  update: {
    kind: "list",
    value: "pattern",
    without: "all",
    help: "images whose tags are asked for anew, a pattern such as ghcr.io/shop/**",
  },
  check: {
    kind: "switch",
    default: "false",
    help: "write nothing, and fail when a tag has moved",
  },
  ...hostInputs,
} as const satisfies Inputs;
