import { join } from "node:path";
import { errorMessage, KubefileError } from "../error.ts";
import { run } from "../process/run.ts";
import { type PinnedTool, pinnedKind } from "./pinned-tools.ts";
import { downloadTool, isExecutable } from "./tool-download.ts";

export interface FindToolOptions {
  /** PATH's directories; an own directory of tools comes first when the user has one. */
  readonly directories: readonly string[];
  readonly cacheDirectory: string;
  /** `linux/x64`: Node's platform and architecture. */
  readonly platform: string;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((message: string) => void) | undefined;
  /** Another version than the pinned one, for tests. */
  readonly pinned?: PinnedTool;
}

export interface FoundTool {
  readonly path: string;
  /** `v0.33.0`. */
  readonly version: string;
}

/** kind 0.27 is the first whose nodes run containerd 2. */
const oldestKind: readonly [number, number] = [0, 27];

/**
 * kind, the one program that the build needs on the host beside docker: from the given directories when its version
 * suits, else the pinned one. kubectl and helm run in the launch container, from its image.
 *
 * @throws KubefileError TOOL_MISSING saying what was found instead and how to install it
 */
export async function findKind(options: FindToolOptions): Promise<FoundTool> {
  const tooOld: string[] = [];
  for (const directory of options.directories) {
    const path = join(directory, "kind");
    if (directory === "" || !(await isExecutable(path))) continue;
    const version = await kindVersion(path, options.signal);
    if (version !== undefined && suits(version)) return { path, version };
    tooOld.push(`${path} is ${version ?? "not kind"}`);
  }
  const pinned = options.pinned ?? pinnedKind;
  const download = pinned.downloads[options.platform];
  const found = tooOld.length === 0 ? "" : ` (${tooOld.join("; ")})`;
  if (download === undefined) {
    throw new KubefileError(
      "TOOL_MISSING",
      `kind ${oldestKind.join(".")} or later is not on PATH${found}, and there is no build of it for ${options.platform}`,
      { hint: installHint(pinned) },
    );
  }
  options.onProgress?.(`kind is not on PATH${found}: taking ${pinned.version}`);
  try {
    const path = await downloadTool(
      { name: "kind", version: pinned.version, ...download },
      options.cacheDirectory,
      options.signal,
    );
    return { path, version: pinned.version };
  } catch (error) {
    if (error instanceof KubefileError && error.code === "CANCELLED") throw error;
    throw new KubefileError(
      "TOOL_MISSING",
      `kind ${oldestKind.join(".")} or later is not on PATH${found}, and could not be downloaded: ${errorMessage(error)}`,
      { hint: installHint(pinned), cause: error },
    );
  }
}

/** The version in `kind v0.33.0 go1.26.8 linux/amd64`. */
export function parseKindVersion(output: string): string | undefined {
  return /^kind (v\d+\.\d+\.\d+\S*) /.exec(output)?.[1];
}

async function kindVersion(path: string, signal?: AbortSignal): Promise<string | undefined> {
  const asked = await run(path, ["version"], { env: {}, timeout: 20_000, allowFailure: true, signal });
  return parseKindVersion(asked.stdout);
}

function suits(version: string): boolean {
  const [major = 0, minor = 0] = version.slice(1).split(".").map(Number);
  return major > oldestKind[0] || (major === oldestKind[0] && minor >= oldestKind[1]);
}

function installHint(pinned: PinnedTool): string {
  return `install it with \`go install sigs.k8s.io/kind@${pinned.version}\`, or as https://kind.sigs.k8s.io says`;
}
