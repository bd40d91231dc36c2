import { stat, statfs } from "node:fs/promises";
import { dirname } from "node:path";
import type { Engine } from "../cluster/engine.ts";
import { KubefileError } from "../error.ts";

export interface DiskNeed {
  /** What is put there: "the store". */
  readonly purpose: string;
  readonly directory: string;
  /** Bytes. */
  readonly bytes: number;
}

/**
 * Fails before any work when a file system is known to be too small; needs on one file system are added up.
 *
 * @throws KubefileError DISK_SHORT, with every file system that is short
 */
export async function checkDisk(needs: readonly DiskNeed[]): Promise<void> {
  const systems = new Map<number, { available: number; needs: DiskNeed[] }>();
  for (const need of needs) {
    const directory = await existingParent(need.directory);
    const { dev } = await stat(directory);
    const space = await statfs(directory);
    const system = systems.get(dev) ?? { available: space.bavail * space.bsize, needs: [] };
    system.needs.push(need);
    systems.set(dev, system);
  }
  const short = [...systems.values()].flatMap(({ available, needs: onSystem }) => {
    const wanted = onSystem.reduce((sum, need) => sum + need.bytes, 0);
    if (wanted <= available) return [];
    const parts = onSystem
      .map((need) => `${gibibytes(need.bytes)} for ${need.purpose} in ${need.directory}`)
      .join(", ");
    return [`${gibibytes(available)} free, about ${gibibytes(wanted)} needed: ${parts}`];
  });
  if (short.length > 0) {
    throw new KubefileError("DISK_SHORT", `too little disk: ${short.join("; ")}`, {
      hint: "free some space, or put the store on a larger disk with --store",
    });
  }
}

/** Where an engine on this machine keeps its data; undefined for one whose disk cannot be seen from here. */
export async function engineDataDirectory(engine: Engine, signal: AbortSignal): Promise<string | undefined> {
  const { DOCKER_HOST = "unix://", DOCKER_CONTEXT } = engine.environment;
  if (!DOCKER_HOST.startsWith("unix://") || DOCKER_CONTEXT !== undefined) return undefined;
  const asked = await engine.docker(["info", "--format", "{{.DockerRootDir}}"], { allowFailure: true, signal });
  const directory = asked.stdout.trim();
  const isHere = directory.startsWith("/") && (await stat(directory).catch(() => undefined)) !== undefined;
  return isHere ? directory : undefined;
}

async function existingParent(directory: string): Promise<string> {
  for (let candidate = directory; ; candidate = dirname(candidate)) {
    const found = await stat(candidate).catch(() => undefined);
    if (found !== undefined || candidate === dirname(candidate)) return candidate;
  }
}

function gibibytes(bytes: number): string {
  return `${(bytes / 1024 ** 3).toFixed(1)} GiB`;
}
