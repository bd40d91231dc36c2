import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { inTurn } from "../turn.ts";
import { type BuildRequest, type Measured, measureBuild } from "./measured-build.ts";
import type { BenchPlace } from "./place.ts";

/** What can have happened since the last build, in the order in which it is tried. */
export const caseNames = [
  "cold",
  "unchanged",
  "new runner, registry cache",
  "rootfs changed",
  "one image moved",
  "launch changed",
] as const;
export type CaseName = (typeof caseNames)[number];

export interface SeriesOptions extends Omit<BuildRequest, "store"> {
  /** How often the cases without a cluster are measured. */
  readonly repeat: number;
  readonly lock: string | undefined;
  readonly onMeasured: (name: CaseName, measured: Measured) => void;
}

/** One series of builds: a cold one, and what each change makes of it. */
export interface Series {
  readonly measured: Readonly<Record<CaseName, readonly Measured[]>>;
  /** What of the image that moved is new. */
  readonly moved: readonly { readonly digest: string; readonly size: number }[];
}

export async function runSeries(place: BenchPlace, options: SeriesOptions): Promise<Series> {
  const { series, lock, signal } = options;
  const store = join(options.work, `store-${series}`);
  const emptyStore = join(options.work, `empty-${series}`);
  const measured: Record<CaseName, Measured[]> = {
    cold: [],
    unchanged: [],
    "new runner, registry cache": [],
    "rootfs changed": [],
    "one image moved": [],
    "launch changed": [],
  };
  const measure = async (name: CaseName, inStore: string): Promise<void> => {
    signal.throwIfAborted();
    const result = await measureBuild(place, { ...options, store: inStore });
    measured[name].push(result);
    options.onMeasured(name, result);
  };
  const measureInTurn = (name: CaseName): Promise<void> => inTurn(lock, () => measure(name, store), signal);
  try {
    await measureInTurn("cold");
    for (let run = 0; run < options.repeat; run += 1) {
      await measure("unchanged", store);
      await rm(emptyStore, { recursive: true, force: true });
      await measure("new runner, registry cache", emptyStore);
    }
    await withChange(join(place.context, "etc/shop.properties"), "", `\nseries=${series}\n`, () =>
      measureInTurn("rootfs changed"),
    );
    const moved = await place.moveWeb(`Shop ${series}`);
    try {
      await measureInTurn("one image moved");
    } finally {
      await place.moveWeb("Shop");
    }
    await withChange(join(place.context, "Kubefile"), "--timeout 3m", "--timeout 4m", () =>
      measureInTurn("launch changed"),
    );
    return { measured, moved };
  } finally {
    for (const directory of [store, emptyStore]) await rm(directory, { recursive: true, force: true });
  }
}

/** @param from replaced by `to` for the time of `work`; when it is empty, `to` is added at the end */
async function withChange(file: string, from: string, to: string, work: () => Promise<void>): Promise<void> {
  const before = await readFile(file, "utf8");
  const after = from === "" ? before + to : before.replace(from, to);
  if (after === before) throw new Error(`${file} does not say ${JSON.stringify(from)}`);
  await writeFile(file, after);
  try {
    await work();
  } finally {
    await writeFile(file, before);
  }
}
