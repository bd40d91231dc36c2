import { stat } from "node:fs/promises";
import { isAbsolute, join, resolve } from "node:path";
import { type CacheFlag, parseCacheSpecs } from "../cache/parse-spec.ts";
import { KubefileError } from "../error.ts";
import type { Platform } from "../oci/descriptor.ts";
import { lockFileOf } from "../pipeline/build-lock.ts";
import { type BuildOptions, defaultQuietWindow, defaultRunImage, defaultTimeout } from "../pipeline/options.ts";
import { loadProjectFile, type ProjectFile } from "../plan/project-file.ts";
import { isOutside } from "../rootfs/contained-path.ts";
import { ignoreFiles } from "../rootfs/load-ignore-file.ts";
import type { BuildFlags, HostFlags } from "./build-inputs.ts";
import { cacheTrust } from "./cache-trust.ts";
import { checkoutOf, requireInCheckout } from "./checkout.ts";
import type { CommandContext } from "./context.ts";
import { imageBuilds } from "./image-inputs.ts";
import {
  absolute,
  launchTimes,
  parseBaseRegistry,
  parseDuration,
  parseExclusions,
  parseImages,
  parseKeyValues,
  parseOutput,
  parseTarget,
  shownPath,
} from "./input-values.ts";
import { parseLabels } from "./label-inputs.ts";
import { parseBuildPlatforms, requireOneRehearsal } from "./platform-input.ts";
import { readSecrets } from "./secret-inputs.ts";
import { sourceRevision } from "./source-revision.ts";
import { refuseStrangersProject } from "./strangers-project.ts";
import { exactVersion } from "./tag-scheme.ts";
import { untrustedEvent } from "./untrusted-event.ts";

export interface ResolvedBuild {
  /** Absolute path of the checkout that the context is part of. */
  readonly checkout: string;
  /** For the first platform. */
  readonly options: BuildOptions;
  readonly platforms: readonly [Platform, ...Platform[]];
  readonly settings: HostFlags;
}

/** Flags over `kubefile.yaml` over defaults. */
export async function resolveBuild(
  contextPath: string,
  flags: BuildFlags,
  context: CommandContext,
): Promise<ResolvedBuild> {
  const directory = absolute(contextPath, context.cwd);
  const found = await stat(directory).catch(() => undefined);
  if (found?.isDirectory() !== true) {
    throw new KubefileError("USAGE", `${contextPath} is not a directory`, {
      hint: "the last argument is the build context, a directory: kubefile build .",
    });
  }
  const checkout = await checkoutOf(directory);
  const ownFiles = ["kubefile.yaml", ...ignoreFiles].map((name) => join(directory, name));
  await requireInCheckout(checkout, ownFiles);
  const project = (await loadProjectFile(join(directory, "kubefile.yaml"))) ?? {};
  await refuseStrangersProject(project, flags, context.env);
  const from = <Key extends keyof BuildFlags & keyof ProjectFile>(key: Key): BuildFlags[Key] | ProjectFile[Key] =>
    flags[key] ?? project[key];
  const inContext = (path: string): string => (isAbsolute(path) ? path : resolve(directory, path));
  const file = flags.file === undefined ? inContext(project.file ?? "Kubefile") : absolute(flags.file, context.cwd);
  const outputs = [
    ...(flags.output ?? []).map((text) => parseOutput(text, context.cwd)),
    ...(flags.output === undefined ? (project.output ?? []).map((text) => parseOutput(text, directory)) : []),
  ];
  const tags = (flags.tag ?? project.tag ?? []).map(parseTarget);
  const push = flags.pushByDigest === true ? ("by digest" as const) : (flags.push ?? project.push ?? false);
  if (push !== false && tags.length === 0) {
    const flag = push === "by digest" ? "--push-by-digest" : "--push";
    throw new KubefileError("USAGE", `${flag} needs a name to push to`, { hint: "add --tag REGISTRY/NAME:TAG" });
  }
  const platforms = parseBuildPlatforms(from("platform") ?? []);
  const capture = from("capture") ?? "cluster";
  requireOneRehearsal(platforms, capture);
  const milliseconds = (key: "quietWindow" | "timeout", fallback: number): number => {
    const written = project[key];
    return flags[key] ?? (written === undefined ? fallback : parseDuration(written, key));
  };
  const ownKindConfig = project.kindConfig === undefined ? undefined : inContext(project.kindConfig);
  const kindConfig = flags.kindConfig === undefined ? ownKindConfig : absolute(flags.kindConfig, context.cwd);
  const isOwn = (path: string, flag: string | undefined): boolean => flag === undefined || !isOutside(checkout, path);
  await requireInCheckout(checkout, [
    ...(isOwn(file, flags.file) ? [file, lockFileOf(file)] : []),
    ...(kindConfig !== undefined && isOwn(kindConfig, flags.kindConfig) ? [kindConfig] : []),
  ]);
  const sourceDateEpoch = parseEpoch(context.env.SOURCE_DATE_EPOCH);
  const mirrors = flags.mirror ?? Object.entries(project.mirror ?? {}).map(([host, url]) => `${host}=${url}`);
  const options: BuildOptions = {
    context: directory,
    file,
    fileShown: shownPath(file, context.cwd),
    platform: platforms[0],
    tags,
    push,
    outputs,
    buildArgs: new Map([
      ...(sourceDateEpoch === undefined ? [] : [["SOURCE_DATE_EPOCH", String(sourceDateEpoch)] as const]),
      ...Object.entries(project.buildArg ?? {}),
      ...parseKeyValues(flags.buildArg ?? [], "--build-arg"),
    ]),
    labels: parseLabels("--label", flags.label ?? [], project.label),
    annotations: parseLabels("--annotation", flags.annotation ?? [], project.annotation),
    secrets: await readSecrets(flags, context),
    ...(await imageBuilds(flags, project, context.cwd, { directory, checkout })),
    imagesWithin: checkout,
    baseRegistry: parseBaseRegistry(from("baseRegistry")),
    capture,
    wait: from("wait") ?? "ready",
    ...launchTimes({
      quietWindow: milliseconds("quietWindow", defaultQuietWindow),
      timeout: milliseconds("timeout", defaultTimeout),
    }),
    include: parseImages(from("include") ?? []),
    exclude: parseExclusions(from("exclude") ?? []),
    launchNetwork: from("launchNetwork") ?? false,
    nodeImage: from("nodeImage"),
    kindConfig,
    defaultCni: from("defaultCni") ?? true,
    keepCluster: flags.keepCluster ?? false,
    run: from("run") ?? "container",
    runImage: from("runImage") ?? defaultRunImage,
    lock: lockMode(from("lock"), from("locked") ?? false),
    ...cacheSpecs(flags, project, context.cwd, directory),
    cacheTrust: await cacheTrust(context.env, flags.cacheTrust ?? "auto"),
    pull: from("pull") ?? "changed",
    noCache: from("noCache") ?? false,
    noCacheFilter: from("noCacheFilter") ?? [],
    mirrors: Object.fromEntries(parseKeyValues(mirrors, "--mirror", "HOST=URL")),
    metadataFile: flags.metadataFile === undefined ? undefined : absolute(flags.metadataFile, context.cwd),
    reportFile: flags.report === undefined ? undefined : absolute(flags.report, context.cwd),
    origin: await originOf(context),
    sourceDateEpoch,
  };
  await refuseHostRunOfStrangers(options, context);
  const settings: HostFlags = {
    mirror: mirrors,
    insecure: from("insecure") ?? [],
    ...(flags.store === undefined ? {} : { store: flags.store }),
    progress: from("progress") ?? "auto",
  };
  return { checkout, options, platforms, settings };
}

function lockMode(lock: boolean | undefined, locked: boolean): BuildOptions["lock"] {
  if (!locked) return lock === undefined ? "auto" : lock ? "write" : "off";
  if (lock !== false) return "exact";
  throw new KubefileError("USAGE", "--locked and --no-lock contradict each other", { hint: "leave one of them out" });
}

/** RUN steps on the host are the author's word against the machine's owner: never a stranger's. */
async function refuseHostRunOfStrangers(options: BuildOptions, context: CommandContext): Promise<void> {
  const stranger = options.run === "host" ? await untrustedEvent(context.env) : undefined;
  if (stranger === undefined) return;
  throw new KubefileError("USAGE", `RUN on the host is refused for ${stranger}`, {
    hint: "leave out --run host (and `run: host` in kubefile.yaml): RUN steps then run in the launch container",
  });
}

/** What the CI system says of the commit; outside of one, nothing does. */
async function originOf({ env }: CommandContext): Promise<BuildOptions["origin"]> {
  const found = await sourceRevision(env);
  if (found === undefined) return {};
  const { source, commit, ref } = found;
  const version = ref.kind === "tag" ? exactVersion(ref.name) : undefined;
  return {
    ...(source === undefined ? {} : { source }),
    revision: commit,
    ...(version === undefined ? {} : { version }),
  };
}

/** Paths of flags start at the working directory, those of `kubefile.yaml` at the context. */
function cacheSpecs(
  flags: BuildFlags,
  project: ProjectFile,
  cwd: string,
  directory: string,
): Pick<BuildOptions, "cacheFrom" | "cacheTo"> {
  const read = (written: readonly string[] | undefined, inFile: readonly string[] | undefined, flag: CacheFlag) =>
    written === undefined ? parseCacheSpecs(inFile ?? [], flag, directory) : parseCacheSpecs(written, flag, cwd);
  return {
    cacheFrom: read(flags.cacheFrom, project.cacheFrom, "--cache-from"),
    cacheTo: read(flags.cacheTo, project.cacheTo, "--cache-to"),
  };
}

function parseEpoch(text: string | undefined): number | undefined {
  if (text === undefined || text === "") return undefined;
  if (!/^\d{1,12}$/.test(text)) {
    throw new KubefileError("USAGE", `SOURCE_DATE_EPOCH=${JSON.stringify(text)} is not a number of seconds`, {
      hint: "unset it, or set it to seconds since 1970: $(git log -1 --format=%ct)",
    });
  }
  return Number(text);
}
