import { type PinnedTool, pinnedHelm, pinnedKind, pinnedKubectl } from "../cluster/pinned-tools.ts";
import { KubefileError } from "../error.ts";
import type { SetupFlags } from "./setup-inputs.ts";

/** A release of a program, as it is to be fetched. */
export interface ToolRelease {
  readonly name: string;
  /** `v0.33.0`. */
  readonly version: string;
  readonly url: string;
  /** Hexadecimal; of a version that is not pinned, the sum is beside the file, at `sumUrl`. */
  readonly sha256?: string;
  readonly sumUrl: string;
  /** Path of the program in the archive; the file is the program itself when absent. */
  readonly member?: string;
}

interface Tool {
  readonly pinned: PinnedTool;
  /** What its project appends to a file's address for the file with its sum. */
  readonly sumSuffix: string;
  readonly member?: (architecture: string) => string;
}

const tools = new Map<string, Tool>([
  ["kind", { pinned: pinnedKind, sumSuffix: ".sha256sum" }],
  ["kubectl", { pinned: pinnedKubectl, sumSuffix: ".sha256" }],
  ["helm", { pinned: pinnedHelm, sumSuffix: ".sha256sum", member: (architecture) => `linux-${architecture}/helm` }],
]);

/**
 * The releases that were asked for, with all problems told at once.
 *
 * @param platform `linux/x64`: Node's platform and architecture
 * @throws KubefileError USAGE, TOOL_MISSING
 */
export function toolReleases(asked: SetupFlags, platform: string): readonly ToolRelease[] {
  const mirror = asked.downloadMirror === undefined ? undefined : parseMirror(asked.downloadMirror);
  const versions = new Map(Object.entries(asked).map(([key, value]) => [key.replace(/Version$/, ""), value]));
  const names = asked.tools ?? [...tools.keys()];
  return (names.length === 1 && names[0] === "none" ? [] : names).map((name) => {
    const tool = tools.get(name);
    if (tool === undefined) {
      throw new KubefileError("USAGE", `tools: ${JSON.stringify(name)} is no program that is set up here`, {
        hint: `write ${[...tools.keys()].join(", ")}, or none`,
      });
    }
    const { pinned, sumSuffix, member } = tool;
    const download = pinned.downloads[platform];
    if (download === undefined) {
      throw new KubefileError("TOOL_MISSING", `there is no release of ${name} for ${platform}`, {
        hint: `use a Linux runner, or leave ${name} out of tools`,
      });
    }
    const version = parseVersion(name, versions.get(name) ?? pinned.version);
    const url = mirrored(download.url.replaceAll(pinned.version, version), mirror);
    return {
      ...{ name, version, url, sumUrl: `${url}${sumSuffix}` },
      ...(version === pinned.version ? { sha256: download.sha256 } : {}),
      ...(member === undefined ? {} : { member: member(platform.endsWith("/arm64") ? "arm64" : "amd64") }),
    };
  });
}

function parseVersion(name: string, text: unknown): string {
  if (typeof text === "string" && /^v?\d{1,4}\.\d{1,4}\.\d{1,4}$/.test(text)) return `v${text.replace(/^v/, "")}`;
  throw new KubefileError("USAGE", `${name}-version ${JSON.stringify(text)} is not a release`, {
    hint: "write all three numbers: v1.2.3",
  });
}

function parseMirror(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !["http:", "https:"].includes(url.protocol) || url.username !== "" || url.search !== "") {
    throw new KubefileError("USAGE", "download-mirror is not the address of a web server", {
      hint: "write https://mirror.example/path, without credentials",
    });
  }
  return url;
}

function mirrored(address: string, mirror: URL | undefined): string {
  if (mirror === undefined) return address;
  const { host, pathname } = new URL(address);
  return `${mirror.href.replace(/\/+$/, "")}/${host}${pathname}`;
}
