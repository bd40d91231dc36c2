import { entryFor } from "../lock/pins.ts";
import type { Lock, LockedImage, LockRole } from "../lock/types.ts";
import { lockAfter } from "./build-lock.ts";
import type { BuildParts } from "./build-parts.ts";
import { notBuilt } from "./built-images.ts";

/**
 * What every name that a build used has stood for. An image that the engine was given by `docker load` has no digest by
 * which anybody could get it again: it is left out, with a warning.
 */
export async function lockOfBuild(parts: BuildParts): Promise<Lock> {
  const { lock, state } = parts;
  if (lock.mode === "none") return { images: [] };
  const asked = engineImages(parts);
  const ofEngine = await Promise.all([...asked].map(([role, name]) => engineEntry(parts, role, name)));
  const unused = new Set((["run", "node"] as const).filter((role) => !asked.has(role)));
  return lockAfter(
    lock,
    [...capturedNames(parts), ...state.bases, ...ofEngine.filter((entry) => entry !== undefined)],
    unused,
  );
}

/** What the captured names have stood for. One that was built in this run stands for its sources, which are no lock's. */
export function capturedNames({ built, state }: Pick<BuildParts, "built" | "state">): LockedImage[] {
  return notBuilt(state.images, built).map(({ reference, digest }) => ({
    reference,
    digest,
    role: "captured",
    grade: state.grade,
  }));
}

/** The images that this build let the engine run, by role. */
function engineImages({ options, plan, state }: BuildParts): ReadonlyMap<LockRole, string> {
  const runs = plan.stages.flatMap(({ steps }) => steps).some(({ kind }) => kind === "run");
  const usesContainer = state.nodeImage !== undefined || (runs && options.run === "container");
  return new Map([
    ...(usesContainer ? [["run", options.runImage] as const] : []),
    ...(state.nodeImage === undefined ? [] : [["node", state.nodeImage] as const]),
  ]);
}

async function engineEntry(
  { identities, host }: BuildParts,
  role: LockRole,
  name: string,
): Promise<LockedImage | undefined> {
  const identity = await (role === "node" ? identities.nodeImage() : identities.launchContainer());
  const entry = entryFor(role, name, identity?.digest);
  if (entry === undefined) {
    const why = "it was loaded into the engine, and no registry's digest of it is known";
    host.progress.note("warning", `the lock does not hold ${name}: ${why}`);
  }
  return entry;
}
