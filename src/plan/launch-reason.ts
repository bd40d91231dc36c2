import { inShort } from "./in-short.ts";
import { variablesReason } from "./step-reason.ts";
import type { Trail, TrailLaunch } from "./trail.ts";

/** What a part of the inputs is called when it has changed; the order is that of interest. */
const names: Readonly<Record<string, string>> = {
  kind: "how images are captured changed",
  tree: "the rootfs changed",
  commands: "the launch commands changed",
  nodeImage: "the node image changed",
  launchContainer: "the launch container's image changed",
  kindConfig: "the cluster's configuration changed",
  include: "--include changed",
  exclude: "--exclude changed",
  mirrors: "the mirrors changed",
  inherited: "what the base has captured changed",
  built: "an image that is built in this run changed",
  wait: "--wait changed",
  quietWindow: "--quiet-window changed",
  helm: "this machine's helm changed",
  platform: "the platform changed",
};

/** Why the launch had to be rehearsed although the same Kubefile was built here before, in words. */
export function launchReason(launch: TrailLaunch, trail: Trail | undefined): string {
  const before = trail?.launch;
  if (before === undefined) return "it was not rehearsed here before";
  const parts = Object.entries(names).flatMap(([part, words]) =>
    before.parts[part] === launch.parts[part] ? [] : part === "built" ? builtReasons(before, launch) : [words],
  );
  return inShort(parts) ?? variablesReason(before.env, launch.env) ?? "its record is gone";
}

/** Each image that is not what the last build made of its Dockerfile. */
function builtReasons({ built: before = {} }: TrailLaunch, { built: now = {} }: TrailLaunch): readonly string[] {
  const reasons = [...new Set([...Object.keys(before), ...Object.keys(now)])].sort().flatMap((name) => {
    const [old, made] = [before[name], now[name]];
    if (old === made) return [];
    if (made === undefined) return [`image ${name} is no longer built`];
    return [
      old === undefined ? `image ${name} is built, too: ${made}` : `image ${name} was built anew: ${old} -> ${made}`,
    ];
  });
  return reasons.length === 0 ? [names.built ?? ""] : reasons;
}
