// Runs `kubefile build` and the baseline in turn and compares the medians. Usage: bench-build WORK [flags of scripts/bench]
// WORK holds `internet/`, as test/setup/internet has made it. Ends with 1 when ours takes longer than the baseline.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFile, rm, writeFile } from "node:fs/promises";
import { cpus, loadavg } from "node:os";
import { join } from "node:path";
import { performance } from "node:perf_hooks";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
// scripts/bench compiles what benchmarks share.
import { median } from "../node_modules/.cache/kubefile-bench/test/bench/table.js";
import { inTurn } from "../node_modules/.cache/kubefile-bench/test/bench/turn.js";

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    runs: { type: "string", default: "5" },
    "quiet-window": { type: "string", default: "5" },
    tuned: { type: "boolean", default: false },
    lock: { type: "string" },
    json: { type: "string" },
  },
});
const [work] = positionals;
const quietWindow = Number(values["quiet-window"]);
const internet = join(work, "internet");
const read = async (name) => (await readFile(join(internet, name), "utf8")).trim();
const mirrors = (await read("mirrors")).split("\n").flatMap((mirror) => ["--mirror", mirror]);
const destination = await read("destination");
const path = (name) => fileURLToPath(new URL(name, import.meta.url));

/** Seconds from the start of a process to each moment that a line of its output marks; `last` keeps the latest. */
async function timed(command, args, markOf) {
  const start = performance.now();
  const child = spawn(command, args, { stdio: ["ignore", "pipe", "pipe"] });
  const marks = {};
  const log = [];
  const since = () => (performance.now() - start) / 1000;
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream }).on("line", (line) => {
      log.push(line);
      for (const [name, last] of Object.entries(markOf(line))) if (last || !(name in marks)) marks[name] = since();
    });
  }
  const [code] = await once(child, "close");
  if (code !== 0) throw new Error(`${command} ended with ${code}\n${log.slice(-20).join("\n")}`);
  return { ...marks, exit: since() };
}

/** Our own moments, from the progress events. */
function createOurMarks() {
  let quiet = false;
  return (line) => {
    if (!line.startsWith("{")) return {};
    const { type, phase, text } = JSON.parse(line);
    if (type === "phase-end" && phase === "kind cluster") return { cluster: false };
    if (type === "phase-end" && phase === "launch") return { settled: false };
    if (type === "phase-end" && phase === "push") return { pushed: false };
    if (type !== "phase-update" || phase !== "launch") return {};
    const wasQuiet = quiet;
    quiet = text.endsWith("; quiet window");
    // Whatever comes up again begins a new window.
    return quiet && !wasQuiet ? { ready: true } : {};
  };
}

/** With a store of its own, so that there is neither a blob nor a record. */
async function ours(run) {
  const store = join(work, `store-${run}`);
  const report = join(work, "report.json");
  const flags = [...mirrors, "--store", store, "--quiet-window", `${quietWindow}s`, "--progress", "json"];
  const tag = ["--tag", `${destination}/bench/ours-${run}:1`, "--push", "--report", report];
  try {
    const marks = await timed(
      path("../bin/kubefile"),
      ["build", ...flags, ...tag, path("../examples/shop")],
      createOurMarks(),
    );
    const { steps, rehearsal } = JSON.parse(await readFile(report, "utf8"));
    if ([...steps, rehearsal].some(({ state }) => state === "cached")) throw new Error("a cache was of help");
    return marks;
  } finally {
    await rm(store, { recursive: true, force: true });
  }
}

/** The plain script's cluster is what kind makes by itself; `--tuned` gives it our configuration. */
async function baseline(run) {
  const args = [`bench-baseline-${process.pid}-${run}`, internet, `${destination}/bench/baseline-${run}`];
  if (values.tuned) {
    const { kindConfig } = await import("../lib/cluster/kind-config.js");
    const file = join(work, "kind.yaml");
    await writeFile(file, kindConfig({ withoutDefaultNetwork: false }));
    args.push(file);
  }
  return await timed(path("bench-baseline"), args, (line) => {
    const name = /^mark (\w+)$/.exec(line)?.[1];
    return name === undefined ? {} : { [name]: false };
  });
}

/**
 * Lengths of the parts, in seconds. The window that is taken off is the one asked for; what the settling takes beyond it
 * counts.
 */
function partsOf({ cluster, ready, settled, pushed, exit }) {
  const window = settled === undefined ? 0 : quietWindow;
  return {
    "kind boot": cluster,
    "launch to Ready": ready - cluster,
    "settle window": settled === undefined ? 0 : settled - ready,
    "the rest": pushed - (settled ?? ready),
    "total, pushed": pushed,
    "total without the window": pushed - window,
    "removing the cluster": exit - pushed,
    "all, without the window": exit - window,
  };
}

const results = { ours: [], baseline: [] };
for (let run = 1; run <= Number(values.runs); run += 1) {
  for (const [name, measure] of Object.entries({ ours, baseline })) {
    const load = loadavg()[0];
    const parts = partsOf(await inTurn(values.lock, () => measure(run)));
    results[name].push({ ...parts, load });
    const shown = Object.entries(parts).map(([part, seconds]) => `${part} ${seconds.toFixed(1)}`);
    console.log(`run ${run}, ${name} (load ${load.toFixed(1)} before): ${shown.join(", ")}`);
  }
}

const medians = Object.keys(results.ours[0])
  .filter((part) => part !== "load")
  .map((part) => ({
    part,
    ours: median(results.ours.map((parts) => parts[part])),
    baseline: median(results.baseline.map((parts) => parts[part])),
  }));
console.log(
  `\nMedians of ${values.runs} alternating runs, seconds; ${cpus().length} processors, window ${quietWindow} s\n`,
);
console.log(`${"".padEnd(26)}${"ours".padStart(8)}${"baseline".padStart(10)}${"ratio".padStart(8)}`);
for (const { part, ours, baseline } of medians) {
  const ratio = baseline > 0 ? (ours / baseline).toFixed(2) : "";
  console.log(
    `${part.padEnd(26)}${ours.toFixed(1).padStart(8)}${baseline.toFixed(1).padStart(10)}${ratio.padStart(8)}`,
  );
}
// From the start of the process until everything is pushed; the removal of the cluster counts in neither.
const compared = medians.find(({ part }) => part === "total without the window");
const ratio = compared.ours / compared.baseline;
if (values.json !== undefined) {
  const summary = {
    runs: Number(values.runs),
    quietWindow,
    tuned: values.tuned,
    processors: cpus().length,
    ratio,
    medians,
    results,
  };
  await writeFile(values.json, `${JSON.stringify(summary, undefined, 2)}\n`);
}
console.log(`\nours without the settle window is ${ratio.toFixed(2)} of the baseline`);
process.exitCode = ratio <= 1 ? 0 : 1;
