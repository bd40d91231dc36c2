import type { Engine } from "./engine.ts";

/**
 * Removes one container of a run with its volumes. Takes no signal: an abort is the most common reason to remove it. Throws
 * nothing, which would hide why it goes: the end of the run tries again, and tells.
 */
export async function removeContainer(engine: Engine, id: string): Promise<void> {
  await engine.docker(["rm", "--force", "--volumes", id], { allowFailure: true }).catch(() => undefined);
}
