import type { CacheKey } from "../cache/types.ts";
import type { LaunchCommand } from "../image/types.ts";
import type { Digest } from "../oci/digest.ts";
import { cacheKey } from "./cache-key.ts";

/** All that decides what a rehearsal finds, but for what tags stand for. */
export interface LaunchInputs {
  readonly platform: string;
  /** Of the whole rootfs. */
  readonly tree: Digest;
  readonly commands: readonly LaunchCommand[];
  readonly env: Readonly<Record<string, string>>;
  readonly include: readonly string[];
  readonly exclude: readonly string[];
  /** Where the images of a registry are fetched from instead. */
  readonly mirrors: Readonly<Record<string, string>>;
  /** Digests of what the base has captured, by reference: it is captured whatever the launch does. */
  readonly inherited: Readonly<Record<string, string>>;
  /** Digests of what was built in this run, by name: no registry can be asked for it. */
  readonly built: Readonly<Record<string, string>>;
  readonly rehearsal: RehearsalInputs | StaticInputs;
}

export interface RehearsalInputs {
  readonly kind: "cluster";
  readonly nodeImage: string;
  /** Identity of the launch container's image, which brings kubectl and helm. */
  readonly launchContainer: string;
  /** kind's configuration, the user's and ours together. */
  readonly kindConfig: string;
  readonly wait: "ready" | "pulled";
  /** Milliseconds. */
  readonly quietWindow: number;
}

/** Files alone are read. */
export interface StaticInputs {
  readonly kind: "static";
  /** Version of the helm that charts are rendered with, `none` without one. */
  readonly helm: string;
}

export function launchKey(inputs: LaunchInputs): CacheKey {
  return cacheKey("launch", launchParts(inputs));
}

/** In one spelling: where a command stands in the Kubefile is no part of it, nor is the order of names. */
export function launchParts({ commands, include, exclude, ...others }: LaunchInputs) {
  return {
    ...others,
    commands: commands.map(({ command, directory, env, app }) => ({ command, directory, env, app: app ?? "" })),
    include: [...new Set(include)].sort(),
    exclude: [...new Set(exclude)].sort(),
  };
}

/**
 * The key under which a rehearsal is kept that was run again because tags had moved: that of the earlier record, and
 * what its references stand for now. So each state of the registries has a record of its own, the same for everybody
 * who meets it, and a tag that moves back finds the old one.
 */
export function movedKey(earlier: CacheKey, resolved: ReadonlyMap<string, Digest>): CacheKey {
  return cacheKey("moved", { earlier, resolved: Object.fromEntries(resolved) });
}
