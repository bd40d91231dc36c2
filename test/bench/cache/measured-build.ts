import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { performance } from "node:perf_hooks";
import type { BenchPlace } from "./place.ts";
import { addTraffic, fetchedBlobs, type Traffic, trafficOf } from "./traffic.ts";

/** What one build took. */
export interface Measured {
  /** From the start of the process to its end, in seconds: the result is pushed and the cluster removed. */
  readonly seconds: number;
  readonly clusters: number;
  /** Of the cluster image. */
  readonly digest: string;
  readonly upstream: Traffic;
  /** The repository that the result is pushed to. */
  readonly destination: Traffic;
  /** The repository that keeps records. */
  readonly cache: Traffic;
  readonly all: Traffic;
  /** Layers and configs that came from upstreams, each as often as it was fetched. */
  readonly fetched: readonly string[];
}

export interface BuildRequest {
  /** Path of bin/kubefile. */
  readonly command: string;
  readonly work: string;
  readonly store: string;
  /** Series of builds that know nothing of each other push to different repositories. */
  readonly series: string;
  /** Seconds. */
  readonly quietWindow: number;
  /** Ends the build, which cleans up. */
  readonly signal: AbortSignal;
}

/** Builds and pushes examples/shop, and counts what passes. @throws Error with the end of the log when it fails */
export async function measureBuild(place: BenchPlace, request: BuildRequest): Promise<Measured> {
  const { command, work, store, series, quietWindow, signal } = request;
  const cache = `${series}/cache`;
  const report = join(work, "report.json");
  const args = [
    ...["build", ...place.mirrors, "--store", store, "--quiet-window", `${quietWindow}s`, "--report", report],
    ...["--cache-from", `type=registry,ref=${place.destination}/${cache}`],
    ...["--cache-to", `type=registry,ref=${place.destination}/${cache}`],
    ...["--tag", `${place.destination}/${series}/shop:1`, "--push", "--progress", "plain", place.context],
  ];
  const before = await place.clusters();
  place.clearRequests();
  const start = performance.now();
  // A user's account of its own: whatever this machine's user has told kubefile or docker is no part of it.
  const env = {
    ...{ PATH: `${place.programs}:${process.env.PATH}`, HOME: work, DOCKER_HOST: process.env.DOCKER_HOST },
    ...{ XDG_CACHE_HOME: join(work, "cache"), XDG_STATE_HOME: join(work, "state") },
  };
  const child = spawn(process.execPath, [command, ...args], { env, stdio: ["ignore", "pipe", "pipe"] });
  const end = (): boolean => child.kill();
  signal.addEventListener("abort", end);
  let log = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk) => (log += String(chunk)));
  const [code] = await once(child, "close");
  signal.removeEventListener("abort", end);
  const seconds = (performance.now() - start) / 1000;
  if (code !== 0) throw new Error(`kubefile ${args.join(" ")} ended with ${code}\n${log.slice(-4000)}`);
  const { upstream, destination } = place.requests();
  const contents = await place.contents(cache);
  const isCache = ({ url }: { url: string }): boolean => url.startsWith(`/v2/${cache}/`);
  const sides = {
    upstream: trafficOf(upstream, contents),
    destination: trafficOf(
      destination.filter((one) => !isCache(one)),
      contents,
    ),
    cache: trafficOf(destination.filter(isCache), contents),
  };
  const { digest }: { digest: string } = JSON.parse(await readFile(report, "utf8"));
  return {
    ...{ seconds, digest, ...sides, clusters: (await place.clusters()) - before },
    all: Object.values(sides).reduce(addTraffic),
    fetched: fetchedBlobs(upstream),
  };
}
