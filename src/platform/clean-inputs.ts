import { KubefileError } from "../error.ts";
import { parseReference, type Repository } from "../oci/reference.ts";
import { hostInputs } from "./build-inputs.ts";
import type { Inputs, ValuesOf } from "./inputs.ts";

/** `kubefile clean` and its action. */
export const cleanInputs = {
  all: {
    kind: "switch",
    default: "false",
    help: "also clusters kept by `kubefile run` or --keep-cluster",
  },
  run: {
    kind: "text",
    value: "name",
    help: "also this one of them, by the name that it was given or that `kubefile clean` prints",
    only: ["command"],
  },
  pullRequest: {
    kind: "text",
    value: "number",
    help: "clean up after a pull request that was closed: its preview here, its tags and its cache records",
  },
  mergeRequest: {
    kind: "text",
    value: "number",
    help: "the same after a merge request",
    only: ["command"],
  },
  dryRun: {
    kind: "switch",
    default: "false",
    help: "say what would be removed, and remove nothing",
  },
  ...hostInputs,
} as const satisfies Inputs;

export type CleanFlags = ValuesOf<typeof cleanInputs>;

/**
 * The request that is closed, by the name that its tags begin with: `pr-12`. Undefined when this machine is meant.
 *
 * @throws KubefileError USAGE
 */
export function requestOf({ pullRequest, mergeRequest }: CleanFlags): string | undefined {
  if (pullRequest !== undefined && mergeRequest !== undefined) {
    throw new KubefileError("USAGE", "--pull-request and --merge-request name two requests", {
      hint: "clean up after one at a time",
    });
  }
  const number = pullRequest ?? mergeRequest;
  if (number === undefined) return undefined;
  if (/^[1-9]\d{0,8}$/.test(number)) return `${pullRequest === undefined ? "mr" : "pr"}-${number}`;
  const flag = pullRequest === undefined ? "--merge-request" : "--pull-request";
  throw new KubefileError("USAGE", `${flag} ${JSON.stringify(number.slice(0, 100))} is not the number of a request`, {
    hint: `write ${flag} 12`,
  });
}

/** @throws KubefileError USAGE */
export function parseRepository(text: string): Repository {
  const { host, path, tag, digest } = parseReference(text);
  if (digest === undefined && !text.endsWith(`:${tag}`)) return { host, path };
  throw new KubefileError("USAGE", `${text} names an image, and a repository is asked for`, {
    hint: `write ${host}/${path}`,
  });
}
