import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { performance } from "node:perf_hooks";

/** In seconds. */
export interface Timed {
  readonly wall: number;
  /** Processor time of kubefile's own process: it hardly depends on what else the machine does. */
  readonly processor: number;
  /** Wall time of the look-up: reading the context, keys, records, what tags stand for. */
  readonly lookUp: number;
}

/** Runs `kubefile build`. @throws Error with the end of the log when it fails, or does again what should be cached */
export async function timeBuild(options: {
  readonly command: string;
  readonly work: string;
  readonly path: string;
  readonly args: readonly string[];
  readonly expect: "built" | "cached";
}): Promise<Timed> {
  const { command, work, path, args, expect } = options;
  const [report, usage] = [join(work, "report.json"), join(work, "usage.json")];
  const noteUsage = `import { writeFileSync } from "node:fs"; process.on("exit", () =>
    writeFileSync(${JSON.stringify(usage)}, JSON.stringify(process.cpuUsage())));`;
  const start = performance.now();
  const child = spawn(
    process.execPath,
    [`--import=data:text/javascript,${encodeURIComponent(noteUsage)}`, command, ...args, "--report", report],
    { env: { PATH: path, HOME: work, DOCKER_HOST: process.env.DOCKER_HOST }, stdio: ["ignore", "pipe", "pipe"] },
  );
  let log = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk) => (log += String(chunk)));
  const [code] = await once(child, "close");
  const wall = (performance.now() - start) / 1000;
  if (code !== 0) throw new Error(`kubefile ${args.join(" ")} ended with ${code}\n${log.slice(-4000)}`);
  const { phases, rehearsal }: Report = JSON.parse(await readFile(report, "utf8"));
  if ((rehearsal.state === "cached") !== (expect === "cached")) throw new Error(`it was not ${expect}\n${log}`);
  const { user, system }: NodeJS.CpuUsage = JSON.parse(await readFile(usage, "utf8"));
  const lookUp = phases.find(({ name }) => name === "cache")?.seconds ?? 0;
  return { wall, processor: (user + system) / 1_000_000, lookUp };
}

interface Report {
  readonly phases: readonly { readonly name: string; readonly seconds: number }[];
  readonly rehearsal: { readonly state: string };
}
