import { dirname } from "node:path";
import type { PreparedCluster } from "./cluster-boot.ts";
import { asKubefileError } from "./failure.ts";
import { writeFailureBundle } from "./failure-bundle.ts";
import type { Host } from "./host.ts";
import { removeOldBundles } from "./old-bundles.ts";

/**
 * Keeps what a cluster tells of a failure, while it is still up, in the run's own directory. Never throws; of a run that
 * was cancelled nothing is kept, since nobody asks why it failed.
 *
 * @param files further ones by name
 */
export async function keepFailure(
  host: Host,
  { cluster, proxy }: Pick<PreparedCluster, "cluster" | "proxy">,
  files: Readonly<Record<string, string>>,
): Promise<void> {
  if (host.signal.aborted) return;
  const directory = await writeFailureBundle({
    directory: host.directories.failure,
    cluster,
    pulls: proxy.events,
    files: { ...files, "hosts.toml": proxy.hostsToml },
    redact: host.redact,
  });
  await removeOldBundles(dirname(host.directories.failure));
  if (directory !== undefined) host.progress.note("info", `events, logs and objects are kept in ${directory}`);
}

/** The failure of a launch as a file of its bundle. */
export function failureFile(error: unknown): Readonly<Record<string, string>> {
  const { code, message, hint } = asKubefileError(error);
  return { "failure.json": `${JSON.stringify({ code, message, hint }, undefined, 2)}\n` };
}
