import { parseCacheSpecs } from "../cache/parse-spec.ts";
import type { PruneRule } from "../cache/prune-rule.ts";
import type { CacheSpec } from "../cache/spec.ts";
import { KubefileError } from "../error.ts";
import { hostInputs } from "./build-inputs.ts";
import type { Inputs, ValuesOf } from "./inputs.ts";

const placeInputs = {
  cacheFrom: {
    kind: "list",
    value: "spec",
    without: "the local store",
    help: "a cache as `kubefile build` reads it: type=registry,ref=REPO or type=local,src=DIR",
  },
} as const satisfies Inputs;

const formatInput = {
  format: {
    kind: "choice",
    value: "format",
    choices: ["pretty", "json"],
    default: "pretty",
    help: "how the result is printed",
  },
} as const satisfies Inputs;

/** `kubefile cache ls`. */
export const cacheListInputs = { ...placeInputs, ...formatInput, ...hostInputs } as const satisfies Inputs;

/** `kubefile cache prune`. */
export const cachePruneInputs = {
  ...placeInputs,
  cacheTo: {
    kind: "list",
    value: "spec",
    help: "the same as `kubefile build` writes it: type=registry,ref=REPO or type=local,dest=DIR",
  },
  olderThan: {
    kind: "duration",
    value: "time",
    help: "remove records that were not used for so long; in a registry, that are so old",
  },
  keep: {
    kind: "text",
    value: "count",
    help: "remove all but so many records, those used last",
  },
  keepBytes: {
    kind: "text",
    value: "size",
    help: "remove the records used least until the others take no more than this, 10GB or 500MiB",
  },
  all: {
    kind: "switch",
    default: "false",
    help: "remove every record",
  },
  dryRun: {
    kind: "switch",
    default: "false",
    help: "say what would be removed",
  },
  ...formatInput,
  ...hostInputs,
} as const satisfies Inputs;

/** @throws KubefileError USAGE */
export function parsePlaces(
  { cacheFrom = [], cacheTo = [] }: Pick<ValuesOf<typeof cachePruneInputs>, "cacheFrom" | "cacheTo">,
  directory: string,
): readonly CacheSpec[] {
  return [
    ...parseCacheSpecs(cacheFrom, "--cache-from", directory),
    ...parseCacheSpecs(cacheTo, "--cache-to", directory),
  ];
}

/** @throws KubefileError USAGE */
export function parseRule(flags: ValuesOf<typeof cachePruneInputs>): PruneRule {
  const { olderThan, keep, keepBytes, all = false } = flags;
  const limits = Object.entries({ "--older-than": olderThan, "--keep": keep, "--keep-bytes": keepBytes });
  const [flag] = limits.find(([, limit]) => limit !== undefined) ?? [];
  if (all && flag !== undefined) {
    throw new KubefileError("USAGE", `--all and ${flag} contradict each other`, { hint: "leave one of them out" });
  }
  return {
    olderThan,
    keep: keep === undefined ? undefined : parseCount(keep),
    keepBytes: keepBytes === undefined ? undefined : parseBytes(keepBytes),
    all,
  };
}

function parseCount(text: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw new KubefileError("USAGE", `--keep ${JSON.stringify(text.slice(0, 100))} is not a number of records`, {
    hint: "write --keep 200",
  });
}

const units: Readonly<Record<string, number>> = {
  "": 1,
  kB: 1e3,
  KB: 1e3,
  MB: 1e6,
  GB: 1e9,
  TB: 1e12,
  KiB: 1024,
  MiB: 1024 ** 2,
  GiB: 1024 ** 3,
  TiB: 1024 ** 4,
};

function parseBytes(text: string): number {
  const [, amount, unit = ""] = /^(\d{1,15}(?:\.\d{1,3})?) ?([kKMGT]i?B|B)?$/.exec(text) ?? [];
  const factor = units[unit === "B" ? "" : unit];
  if (amount !== undefined && factor !== undefined) return Math.floor(Number(amount) * factor);
  throw new KubefileError("USAGE", `--keep-bytes ${JSON.stringify(text.slice(0, 100))} is not a size`, {
    hint: "write --keep-bytes 10GB, which is 10^10 bytes, or 10GiB",
  });
}
