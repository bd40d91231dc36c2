import type { BuildParts } from "./build-parts.ts";
import { findRehearsal, type RehearsalPlace } from "./rehearsal-records.ts";
import { knownRootfs, type Rootfs } from "./rootfs.ts";

/** What records tell before anything is made. */
export interface Known {
  readonly rootfs?: Rootfs | undefined;
  /** Looked for as soon as the rootfs is known. */
  readonly rehearsal?: RehearsalPlace;
  /** Whether a cluster is worth booting before the rootfs is known: when a step is sure to make another one. */
  readonly mayBoot: boolean;
}

/** Looks up what the build will need: when all is known, it needs neither workspace nor engine nor cluster. */
export async function knownResults(parts: BuildParts): Promise<Known> {
  return parts.host.progress.phase("cache", async (phase) => {
    phase.update("reading the context");
    const { rootfs, isDecided } = await knownRootfs(parts);
    if (rootfs === undefined) {
      phase.summary("rootfs to be built");
      return { mayBoot: isDecided };
    }
    phase.update("asking what tags stand for");
    const rehearsal = await findRehearsal(parts, rootfs);
    phase.summary(
      rehearsal.record === undefined ? `rootfs known; rehearsal: ${rehearsal.reason}` : "rootfs and rehearsal known",
    );
    return { rootfs, rehearsal, mayBoot: true };
  });
}
