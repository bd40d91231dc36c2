// What caching saves of a build of examples/shop. Usage: main WORK KIND [flags of `npm run bench -- cache`]
// WORK is an empty directory, KIND the path of the program. Ends with 1 when a promise of docs/performance.md is broken.
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { machine } from "../machine.ts";
import { bytes, median, table } from "../table.ts";
import { type CaseName, caseNames, runSeries, type Series } from "./cases.ts";
import type { Measured } from "./measured-build.ts";
import { openBenchPlace } from "./place.ts";
import { verdictsOn } from "./promises.ts";
import type { Traffic } from "./traffic.ts";

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    runs: { type: "string", default: "1" },
    repeat: { type: "string", default: "5" },
    "quiet-window": { type: "string", default: "5" },
    lock: { type: "string" },
    json: { type: "string" },
  },
});
const [work = "", kind = ""] = positionals;
const repository = process.cwd();
const nodeImage = "kindest/node:v1.34.4";

function inShort({ requests, blobs, records, manifests }: Traffic): string {
  const both = ({ down, up }: Traffic["blobs"]): string => `${bytes(down)} down, ${bytes(up)} up`;
  return `${requests} requests (blobs ${both(blobs)}, records ${both(records)}, manifests ${both(manifests)})`;
}

const interruption = new AbortController();
for (const name of ["SIGINT", "SIGTERM"] as const) process.once(name, () => interruption.abort());

const place = await openBenchPlace({ work, shop: join(repository, "examples/shop"), kind, nodeImage });
const all: Series[] = [];
try {
  for (let run = 1; run <= Number(values.runs); run += 1) {
    const home = join(work, `home-${run}`);
    await mkdir(home);
    const series = await runSeries(place, {
      ...{ command: join(repository, "bin/kubefile"), work: home, series: `bench-${run}`, lock: values.lock },
      signal: interruption.signal,
      ...{ quietWindow: Number(values["quiet-window"]), repeat: Number(values.repeat) },
      onMeasured: (name, { seconds, clusters, ...sides }) => {
        const traffic = (["upstream", "destination", "cache"] as const).map(
          (side) => `${side} ${inShort(sides[side])}`,
        );
        console.log(`series ${run}: ${name}: ${seconds.toFixed(2)} s, ${clusters} clusters; ${traffic.join("; ")}`);
      },
    });
    all.push(series);
  }
} finally {
  await place.stop();
}

const secondsOf = (name: CaseName): number =>
  median(all.flatMap(({ measured }) => measured[name].map(({ seconds }) => seconds)));
// Traffic is the same in each series; where it is not, the promises tell.
const shownOf = (name: CaseName): Measured | undefined => all.at(-1)?.measured[name].at(-1);

console.log(`\n${machine()}; quiet window ${values["quiet-window"]} s, ${values.runs} series, medians\n`);
const rows = caseNames.map((name) => {
  const shown = shownOf(name);
  if (shown === undefined) throw new Error(`${name} was not measured`);
  const { upstream, destination, cache, clusters } = shown;
  return [
    ...[name, secondsOf(name).toFixed(2), (secondsOf(name) / secondsOf("cold")).toFixed(3), `${clusters}`],
    ...[`${upstream.requests}`, bytes(upstream.blobs.down), bytes(upstream.manifests.down)],
    ...[`${destination.requests}`, bytes(destination.blobs.up), bytes(destination.manifests.up)],
    ...[
      `${cache.requests}`,
      bytes(cache.blobs.up + cache.blobs.down),
      bytes(cache.records.down),
      bytes(cache.records.up),
    ],
  ];
});
const heads = [
  ...["case", "seconds", "ratio", "clusters"],
  ...["upstream: requests", "blobs down", "manifests down"],
  ...["destination: requests", "blobs up", "manifests up"],
  ...["cache: requests", "blobs either way", "records down", "records up"],
];
console.log(table(heads, rows));

const verdicts = all.flatMap((series) => verdictsOn(series, secondsOf));
const broken = verdicts.filter((verdict) => verdict.broken !== undefined);
console.log("");
for (const { about, promise, broken: came } of verdictsOn(all.at(-1) as Series, secondsOf)) {
  console.log(
    `${came === undefined ? "kept  " : "BROKEN"} ${about}: ${promise}${came === undefined ? "" : `: ${came}`}`,
  );
}
if (values.json !== undefined) {
  const summary = { machine: machine(), flags: values, series: all, broken };
  await writeFile(values.json, `${JSON.stringify(summary, undefined, 2)}\n`);
}
process.exitCode = broken.length === 0 ? 0 : 1;
