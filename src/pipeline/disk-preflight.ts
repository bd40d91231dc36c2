import { stat, statfs } from "node:fs/promises";
import { dirname } from "node:path";
import type { Engine } from "../cluster/engine.ts";
import { placeOfEngine } from "../cluster/engine-place.ts";
import { localImageId } from "../cluster/image-presence.ts";
import { KubefileError } from "../error.ts";

export interface DiskNeed {
  /** What is put there: "the store". */
  readonly purpose: string;
  /** Bytes. */
  readonly bytes: number;
  readonly on: DiskPlace;
}

/** A directory of this machine, there or not yet; or what is known of a file system of another machine. */
export type DiskPlace =
  | { readonly directory: string }
  | {
      /** For messages: "the engine of docker". */
      readonly name: string;
      /** Bytes. */
      readonly available: number;
    };

/**
 * Fails before any work when a file system is known to be too small; needs on one file system are added up.
 *
 * @throws KubefileError DISK_SHORT, with every file system that is short
 */
export async function checkDisk(needs: readonly DiskNeed[]): Promise<void> {
  const systems = new Map<number | string, { available: number; needs: DiskNeed[] }>();
  for (const need of needs) {
    const { key, available } = await fileSystemOf(need.on);
    const system = systems.get(key) ?? { available, needs: [] };
    system.needs.push(need);
    systems.set(key, system);
  }
  const short = [...systems.values()].flatMap(({ available, needs: onSystem }) => {
    const wanted = onSystem.reduce((sum, need) => sum + need.bytes, 0);
    if (wanted <= available) return [];
    const parts = onSystem
      .map(({ bytes, purpose, on }) => {
        return `${gibibytes(bytes)} for ${purpose} in ${"directory" in on ? on.directory : on.name}`;
      })
      .join(", ");
    return [`${gibibytes(available)} free, about ${gibibytes(wanted)} needed: ${parts}`];
  });
  if (short.length > 0) {
    throw new KubefileError("DISK_SHORT", `too little disk: ${short.join("; ")}`, {
      hint: "free some space, or put the store on a larger disk with --store",
    });
  }
}

/**
 * Where an engine keeps its data; undefined where that cannot be found out. One whose disk is not to be seen from here is
 * asked in a container of an image that it holds, as the root of a container lies on that disk.
 *
 * @param image the launch container's
 */
export async function engineDisk(engine: Engine, image: string, signal: AbortSignal): Promise<DiskPlace | undefined> {
  const place = await placeOfEngine(engine, signal);
  if (place.kind === "here") {
    const asked = await engine.docker(["info", "--format", "{{.DockerRootDir}}"], { allowFailure: true, signal });
    const directory = asked.stdout.trim();
    if (directory.startsWith("/") && (await stat(directory).catch(() => undefined)) !== undefined) return { directory };
  }
  if ((await localImageId(engine, image, signal)) === undefined) return undefined;
  const command = ["run", "--rm", "--network", "none", "--entrypoint", "df", image, "-Pk", "/"];
  const asked = await engine.docker(command, { allowFailure: true, signal });
  const available = availableBytes(asked.stdout);
  const name = place.kind === "here" ? "the engine's own file system" : `the engine of ${place.host}`;
  return asked.exitCode === 0 && available !== undefined ? { name, available } : undefined;
}

/** Reads what `df -Pk` (POSIX) says of one file system. */
export function availableBytes(table: string): number | undefined {
  const fields = table.trim().split("\n").at(1)?.split(/\s+/) ?? [];
  const kibibytes = Number(fields.at(-3));
  return fields.length >= 6 && Number.isSafeInteger(kibibytes) ? kibibytes * 1024 : undefined;
}

async function fileSystemOf(place: DiskPlace): Promise<{ readonly key: number | string; readonly available: number }> {
  if (!("directory" in place)) return { key: place.name, available: place.available };
  const directory = await existingParent(place.directory);
  const { dev } = await stat(directory);
  const { bavail, bsize } = await statfs(directory);
  return { key: dev, available: bavail * bsize };
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
