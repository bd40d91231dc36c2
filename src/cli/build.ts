import { stat } from "node:fs/promises";
import { isAbsolute, join, relative, resolve } from "node:path";
import { type Command, Option } from "commander";
import { KubefileError } from "../error.ts";
import { formatReport } from "../image/report-text.ts";
import { build } from "../pipeline/build.ts";
import { type BuildOptions, defaultQuietWindow, defaultRunImage, defaultTimeout } from "../pipeline/options.ts";
import { loadProjectFile, type ProjectFile } from "../plan/project-file.ts";
import { untrustedEvent } from "../platform/untrusted-event.ts";
import { type CommandContext, showsColor } from "./context.ts";
import {
  absolute,
  collect,
  duration,
  parseDuration,
  parseKeyValues,
  parseOutput,
  parseTarget,
  progressOption,
} from "./flags.ts";
import { type HostFlags, openHost } from "./host.ts";

/** The flags as commander gives them; absent ones are undefined, so that `kubefile.yaml` can speak. */
export interface BuildFlags extends HostFlags {
  readonly file?: string;
  readonly tag?: readonly string[];
  readonly push?: boolean;
  readonly output?: readonly string[];
  readonly buildArg?: readonly string[];
  readonly capture?: "cluster" | "static";
  readonly wait?: "ready" | "pulled";
  readonly quietWindow?: number;
  readonly timeout?: number;
  readonly include?: readonly string[];
  readonly exclude?: readonly string[];
  readonly launchNetwork?: boolean;
  readonly nodeImage?: string;
  readonly kindConfig?: string;
  readonly defaultCni?: boolean;
  readonly keepCluster?: boolean;
  readonly run?: "container" | "host";
  readonly runImage?: string;
  readonly metadataFile?: string;
  readonly report?: string;
}

export function registerBuild(program: Command, context: CommandContext): void {
  program
    .command("build")
    .description("build a cluster image: run the Kubefile, rehearse the launch, capture every image")
    .argument("<context>", "the directory a build reads")
    .option("-f, --file <file>", "the Kubefile (default: CONTEXT/Kubefile)")
    .option("-t, --tag <ref>", "name of the result; may be given several times", collect)
    .option("--push", "push to the registries of the tags")
    .option("-o, --output <spec>", "also write type=oci,dest=FILE; may be given several times", collect)
    .option("--build-arg <k=v>", "value of an ARG; may be given several times", collect)
    .addOption(
      new Option("--capture <how>", "rehearse in a cluster, or read files only (default: cluster)").choices([
        "cluster",
        "static",
      ]),
    )
    .addOption(
      new Option("--wait <until>", "what must hold before the capture is taken (default: ready)").choices([
        "ready",
        "pulled",
      ]),
    )
    .option("--quiet-window <time>", "how long nothing new may appear (default: 20s)", duration("--quiet-window"))
    .option("--timeout <time>", "how long the launch may take to settle (default: 10m)", duration("--timeout"))
    .option("--include <image>", "an image to capture in any case; may be given several times", collect)
    .option(
      "--exclude <pattern>",
      "images to leave out, a glob such as ghcr.io/shop/**; may be given several times",
      collect,
    )
    .option("--launch-network", "leave the network open during the launch; the artifact then says so")
    .option("--node-image <image>", "the kind node image (default: by KUBEVERSION)")
    .option("--kind-config <file>", "a kind configuration to build upon")
    .option("--no-default-cni", "the launch brings its own pod network")
    .option("--keep-cluster", "leave the cluster in place to look at it; `kubefile clean --all` removes it")
    .addOption(new Option("--run <where>", "where RUN steps run (default: container)").choices(["container", "host"]))
    .option("--run-image <image>", "the launch container's image")
    .option("--mirror <host=url>", "fetch a registry's images from elsewhere; may be given several times", collect)
    .option(
      "--insecure <host>",
      "a registry that speaks http or has a private address; may be given several times",
      collect,
    )
    .addOption(progressOption())
    .option("--metadata-file <file>", "write digest, references and images as JSON")
    .option("--report <file>", "write the whole report as JSON")
    .option("--store <dir>", "the local blob store")
    .addHelpText(
      "after",
      `
Defaults come from kubefile.yaml beside the Kubefile; flags win.

Examples:
  kubefile build -t registry.example/shop:1.0 --push .
  kubefile build -t shop:dev -o type=oci,dest=shop.tar --build-arg VERSION=1.2 .
  kubefile build --capture static .                  without an engine; grade static
  kubefile build --mirror docker.io=https://mirror.example --include quay.io/acme/debug:1 .`,
    )
    .action(async (contextPath: string, flags: BuildFlags, command: Command) => {
      // Commander gives a negated flag a default; only what was written counts against kubefile.yaml.
      const { defaultCni: _default, ...others } = flags;
      const written = command.getOptionValueSource("defaultCni") === "cli" ? flags : others;
      const { options, settings } = await resolveBuild(contextPath, written, context);
      await refuseHostRunOfStrangers(options, context);
      await using host = await openHost(context, settings);
      const result = await build(host, options);
      host.endProgress();
      context.stdout.write(
        formatReport(result.report, {
          color: showsColor(context.stdout, context.env),
          width: context.stdout.columns ?? 120,
        }),
      );
    });
}

/** Flags over `kubefile.yaml` over defaults. */
export async function resolveBuild(
  contextPath: string,
  flags: BuildFlags,
  context: CommandContext,
): Promise<{ options: BuildOptions; settings: HostFlags }> {
  const directory = absolute(contextPath, context.cwd);
  const found = await stat(directory).catch(() => undefined);
  if (found?.isDirectory() !== true) {
    throw new KubefileError("USAGE", `${contextPath} is not a directory`, {
      hint: "the last argument is the build context, a directory: kubefile build .",
    });
  }
  const project = (await loadProjectFile(join(directory, "kubefile.yaml"))) ?? {};
  const from = <Key extends keyof BuildFlags & keyof ProjectFile>(key: Key): BuildFlags[Key] | ProjectFile[Key] =>
    flags[key] ?? project[key];
  const inContext = (path: string): string => (isAbsolute(path) ? path : resolve(directory, path));
  const file = flags.file === undefined ? inContext(project.file ?? "Kubefile") : absolute(flags.file, context.cwd);
  const outputs = [
    ...(flags.output ?? []).map((text) => parseOutput(text, context.cwd)),
    ...(flags.output === undefined ? (project.output ?? []).map((text) => parseOutput(text, directory)) : []),
  ];
  const tags = (flags.tag ?? project.tag ?? []).map(parseTarget);
  const push = flags.push ?? project.push ?? false;
  if (push && tags.length === 0) {
    throw new KubefileError("USAGE", "--push needs a name to push to", { hint: "add --tag REGISTRY/NAME:TAG" });
  }
  const milliseconds = (key: "quietWindow" | "timeout", fallback: number): number => {
    const written = project[key];
    return flags[key] ?? (written === undefined ? fallback : parseDuration(written, key));
  };
  const kindConfig = flags.kindConfig === undefined ? project.kindConfig : absolute(flags.kindConfig, context.cwd);
  const options: BuildOptions = {
    context: directory,
    file,
    fileShown: shownPath(file, context.cwd),
    tags,
    push,
    outputs,
    buildArgs: new Map([
      ...Object.entries(project.buildArg ?? {}),
      ...parseKeyValues(flags.buildArg ?? [], "--build-arg"),
    ]),
    capture: from("capture") ?? "cluster",
    wait: from("wait") ?? "ready",
    quietWindow: milliseconds("quietWindow", defaultQuietWindow),
    timeout: milliseconds("timeout", defaultTimeout),
    include: from("include") ?? [],
    exclude: from("exclude") ?? [],
    launchNetwork: from("launchNetwork") ?? false,
    nodeImage: from("nodeImage"),
    kindConfig: kindConfig === undefined ? undefined : inContext(kindConfig),
    defaultCni: from("defaultCni") ?? true,
    keepCluster: flags.keepCluster ?? false,
    run: from("run") ?? "container",
    runImage: from("runImage") ?? defaultRunImage,
    metadataFile: flags.metadataFile === undefined ? undefined : absolute(flags.metadataFile, context.cwd),
    reportFile: flags.report === undefined ? undefined : absolute(flags.report, context.cwd),
    sourceDateEpoch: parseEpoch(context.env.SOURCE_DATE_EPOCH),
  };
  const mirrors = flags.mirror ?? Object.entries(project.mirror ?? {}).map(([host, url]) => `${host}=${url}`);
  const settings: HostFlags = {
    mirror: mirrors,
    insecure: from("insecure") ?? [],
    ...(flags.store === undefined ? {} : { store: flags.store }),
    progress: from("progress") ?? "auto",
  };
  return { options, settings };
}

/** RUN steps on the host are the author's word against the machine's owner: never a stranger's. */
async function refuseHostRunOfStrangers(options: BuildOptions, context: CommandContext): Promise<void> {
  const stranger = options.run === "host" ? await untrustedEvent(context.env) : undefined;
  if (stranger === undefined) return;
  throw new KubefileError("USAGE", `RUN on the host is refused for ${stranger}`, {
    hint: "leave out --run host (and `run: host` in kubefile.yaml): RUN steps then run in the launch container",
  });
}

function shownPath(file: string, cwd: string): string {
  const shown = relative(cwd, file);
  return shown.startsWith("..") ? file : shown || ".";
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
