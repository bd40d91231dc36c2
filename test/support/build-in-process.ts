import { execFileSync } from "node:child_process";
import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { performance } from "node:perf_hooks";
import { unprotectedTrust } from "../../src/cache/trust.ts";
import { rootfsLayers } from "../../src/image/cluster-image.ts";
import { hostPlatform } from "../../src/oci/descriptor.ts";
import { type BuildResult, build } from "../../src/pipeline/build.ts";
import type { Host } from "../../src/pipeline/host.ts";
import type { BuildOptions } from "../../src/pipeline/options.ts";
import { createProgress, type ProgressEvent } from "../../src/pipeline/progress.ts";
import { processIdentity } from "../../src/process/process-identity.ts";
import { upstreamClient } from "./upstream-client.ts";

/** A build with static capture and RUN on this machine: no engine, no cluster. */
export interface InProcessBuild {
  /** Empty at first; store, state and output go there. */
  readonly directory: string;
  /** The build context, text by path; the Kubefile is one of them. */
  readonly files: Readonly<Record<string, string>>;
  /** Absolute path of a store that others use as well. */
  readonly store?: string;
  readonly options?: Partial<BuildOptions>;
  readonly host?: Partial<Host>;
  readonly onProgress?: (event: ProgressEvent) => void;
}

export interface BuiltInProcess extends BuildResult {
  /** Names of the entries of each rootfs layer, as GNU tar lists them; none when no archive was asked for. */
  readonly layers: readonly (readonly string[])[];
  /** Content of a file of the rootfs, from the last layer that has it. */
  readText(path: string): string;
}

export async function buildInProcess(request: InProcessBuild): Promise<BuiltInProcess> {
  const { directory } = request;
  const context = join(directory, "context");
  for (const [path, text] of Object.entries(request.files)) {
    await mkdir(dirname(join(context, path)), { recursive: true });
    await writeFile(join(context, path), text);
  }
  const archive = join(directory, "image.tar");
  const made = await hostIn(directory, request.onProgress);
  const directories = { ...made.directories, store: request.store ?? made.directories.store };
  const host = { ...made, directories, ...request.host };
  try {
    const result = await build(host, { ...optionsFor(context, archive), ...request.options });
    const isWritten = request.options?.outputs?.length !== 0;
    const blobs = (isWritten ? rootfsLayers(result.image) : []).map(({ digest }) =>
      execFileSync("tar", ["-xOf", archive, `blobs/${digest.replace(":", "/")}`], { maxBuffer: 64 * 1024 * 1024 }),
    );
    const layers = blobs.map((blob) =>
      execFileSync("tar", [isGzip(blob) ? "-tzf" : "-tf", "-"], { input: blob, encoding: "utf8" })
        .trim()
        .split("\n"),
    );
    return {
      ...result,
      layers,
      readText(path) {
        const blob = blobs[layers.findLastIndex((names) => names.includes(path))];
        if (blob === undefined) throw new Error(`no layer has ${path}: ${layers.flat().join(" ")}`);
        return execFileSync("tar", [isGzip(blob) ? "-xzOf" : "-xOf", "-", path], { input: blob, encoding: "utf8" });
      },
    };
  } finally {
    await host.client.close();
  }
}

function isGzip(blob: Buffer): boolean {
  return blob[0] === 0x1f && blob[1] === 0x8b;
}

/** This machine, for a pipeline in this process; its client is to be closed. */
export async function hostIn(directory: string, onProgress?: InProcessBuild["onProgress"]): Promise<Host> {
  const owner = await processIdentity(process.pid);
  if (owner === undefined) throw new Error("this process cannot be identified");
  return {
    engineEnvironment: {},
    directories: {
      store: join(directory, "store"),
      state: join(directory, "state"),
      tools: join(directory, "tools"),
      failure: join(directory, "failure"),
    },
    searchPath: process.env.PATH ?? "",
    client: upstreamClient(),
    gitEnvironment: async () => ({ variables: { PATH: process.env.PATH ?? "" } }),
    gha: undefined,
    addPullSecret: () => undefined,
    pullSecretsFor: () => [],
    trustRegistry: () => undefined,
    progress: createProgress(
      (event) => onProgress?.(event),
      () => performance.now(),
    ),
    signal: new AbortController().signal,
    now: () => performance.now(),
    runId: "0123456789",
    runToken: "0".repeat(48),
    owner,
    addSecret: () => undefined,
    redact: (text) => text,
  };
}

function optionsFor(context: string, archive: string): BuildOptions {
  return {
    ...{ context, file: join(context, "Kubefile"), fileShown: "Kubefile" },
    platform: hostPlatform(),
    ...{ tags: [], push: false, outputs: [{ type: "oci", destination: archive }], buildArgs: new Map() },
    ...{ secrets: new Map(), labels: {}, annotations: {} },
    ...{ imageBuilds: [], imagesWithin: context, builder: "buildkit", kanikoImage: undefined },
    baseRegistry: undefined,
    ...{ capture: "static", wait: "ready", quietWindow: 0, timeout: 0, include: [], exclude: [] },
    ...{ launchNetwork: false, nodeImage: undefined, kindConfig: undefined, defaultCni: true, keepCluster: false },
    ...{ cacheFrom: [], cacheTo: [], cacheTrust: unprotectedTrust("a test") },
    ...{
      run: "host",
      runImage: "",
      lock: "auto",
      metadataFile: undefined,
      reportFile: undefined,
      sourceDateEpoch: undefined,
      origin: {},
    },
    ...{ pull: "changed", noCache: false, noCacheFilter: [], mirrors: {} },
  };
}
