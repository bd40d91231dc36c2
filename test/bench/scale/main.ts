// What an unchanged build costs by images and by files. Usage: main WORK TOOLS [flags of `npm run bench -- scale`]
// WORK is an empty directory, TOOLS that of kind.
import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { startCountingProxy } from "../../support/counting-proxy.ts";
import { startDockerRegistry } from "../../support/docker-registry.ts";
import { machine } from "../machine.ts";
import { table } from "../table.ts";
import { inTurn } from "../turn.ts";
import { contextOfFiles, contextOfImages, publishImages } from "./contexts.ts";
import { type Row, scalingChart } from "./scaling-chart.ts";
import { type Timed, timeBuild } from "./timed-build.ts";

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    images: { type: "string", default: "1,10,50,300" },
    rehearsed: { type: "string", default: "1,10,50" },
    files: { type: "string", default: "100,1000,10000,100000" },
    repeat: { type: "string", default: "5" },
    lock: { type: "string" },
    json: { type: "string" },
    chart: { type: "string" },
  },
});
const [work = "", tools = ""] = positionals;
const command = join(process.cwd(), "bin/kubefile");
const countsOf = (list: string): number[] => list.split(",").filter(Boolean).map(Number);
const path = `${tools}:${process.env.PATH}`;
const upstream = await startDockerRegistry();
const proxy = await startCountingProxy(upstream.host);
const destination = await startDockerRegistry();

/** A build with nothing at hand, and the best of as many unchanged ones as were asked for: what disturbs only adds. */
async function measure(kind: Row["kind"], count: number, context: string): Promise<Row> {
  const home = join(work, `${kind}-${count}`);
  await mkdir(home);
  const args = [
    ...["build", "--mirror", `docker.io=http://${proxy.host}`, "--store", join(home, "store"), "--quiet-window", "5s"],
    ...["--capture", kind === "rehearsed" ? "cluster" : "static", "--progress", "plain"],
    ...["--tag", `${destination.host}/${kind}/of-${count}:1`, "--push", context],
  ];
  const run = (expect: "built" | "cached"): Promise<Timed> => timeBuild({ command, work: home, path, args, expect });
  const cold = await (kind === "rehearsed" ? inTurn(values.lock, () => run("built")) : run("built"));
  const unchanged: Timed[] = [];
  for (let time = 0; time < Number(values.repeat); time += 1) {
    proxy.clear();
    unchanged.push(await run("cached"));
  }
  const requests = proxy.requests.length;
  const best = (name: keyof Timed): number => Math.min(...unchanged.map((timed) => timed[name]));
  const row = {
    ...{ kind, count, requests, cold },
    unchanged: { wall: best("wall"), processor: best("processor"), lookUp: best("lookUp") },
  };
  console.log(`${kind} ${count}: cold ${cold.wall.toFixed(1)} s, unchanged ${row.unchanged.wall.toFixed(2)} s`);
  await rm(home, { recursive: true, force: true });
  return row;
}

const rows: Row[] = [];
try {
  const axes = [
    ["files", countsOf(values.files)],
    ["images", countsOf(values.images)],
    ["rehearsed", countsOf(values.rehearsed)],
  ] as const;
  const names = await publishImages(upstream, Math.max(0, ...countsOf(values.images), ...countsOf(values.rehearsed)));
  for (const [kind, counts] of axes) {
    for (const count of counts) {
      const directory = join(work, "context");
      const context = await (kind === "files"
        ? contextOfFiles(directory, count)
        : contextOfImages(directory, names.slice(0, count)));
      rows.push(await measure(kind, count, context));
      await rm(directory, { recursive: true, force: true });
    }
  }
} finally {
  await Promise.all([proxy, upstream, destination].map((part) => part.stop()));
}

const titles: Readonly<Record<Row["kind"], string>> = {
  files: "files in the context",
  images: "images, static",
  rehearsed: "images, rehearsed",
};
console.log(`\n${machine()}; the best of ${values.repeat} unchanged builds\n`);
console.log(
  table(
    ["", "count", "cold, s", "unchanged, s", "its processor time, s", "its look-up, s", "requests to upstreams"],
    rows.map(({ kind, count, cold, unchanged, requests }) => [
      ...[titles[kind], `${count}`, cold.wall.toFixed(1), unchanged.wall.toFixed(2), unchanged.processor.toFixed(2)],
      ...[unchanged.lookUp.toFixed(2), `${requests}`],
    ]),
  ),
);
if (values.json !== undefined) {
  await writeFile(values.json, `${JSON.stringify({ machine: machine(), rows }, undefined, 2)}\n`);
}
if (values.chart !== undefined) await writeFile(values.chart, scalingChart(rows));
