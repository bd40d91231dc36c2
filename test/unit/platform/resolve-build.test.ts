import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { hostPlatform } from "../../../src/oci/descriptor.ts";
import { formatReference } from "../../../src/oci/reference.ts";
import { defaultRunImage } from "../../../src/pipeline/options.ts";
import type { BuildFlags } from "../../../src/platform/build-inputs.ts";
import { resolveBuild } from "../../../src/platform/resolve-build.ts";
import { temporaryDirectories } from "../../support/temporary-directory.ts";
import { commandContext } from "../cli/command.ts";

const temporaryDirectory = temporaryDirectories();

const everyKey = `
file: deploy/Kubefile
tag: [registry.example/shop:file]
push: true
output: ["type=oci,dest=file.tar"]
platform: [linux/arm64, linux/amd64]
buildArg: { VERSION: "1", CHANNEL: stable }
label: { com.example.team: file, com.example.file: "1" }
annotation: { org.opencontainers.image.title: File }
buildImage: ["ref=file.example/web:1,context=../web,arg.A=1"]
builder: kaniko
kanikoImage: file/kaniko:1
baseRegistry: file.example/bases
capture: static
wait: pulled
quietWindow: 5s
timeout: 1m30s
include: [file/include:1]
exclude: ["file/*"]
launchNetwork: true
nodeImage: file/node:v1.34.4
kindConfig: kind.yaml
defaultCni: false
run: host
lock: true
runImage: file/tools:1
cacheFrom: ["type=local,src=cache"]
cacheTo: [type=gha]
pull: never
noCache: true
noCacheFilter: [RUN]
mirror: { docker.io: "https://file.example" }
insecure: [file.local]
progress: json
`;

const everyFlag: BuildFlags = {
  file: "other/Kubefile",
  tag: ["registry.example/shop:flag"],
  push: false,
  output: ["type=oci,dest=flag.tar"],
  platform: ["linux/arm/v7"],
  buildArg: ["VERSION=2"],
  label: ["com.example.team=flag"],
  annotation: ["manifest:org.opencontainers.image.title=Flag", "com.example.build=7"],
  secret: ["id=token,env=PATH"],
  buildImage: ["ref=flag.example/web:1,context=../elsewhere"],
  builder: "buildkit",
  kanikoImage: "flag/kaniko:1",
  baseRegistry: "flag.example:5000/",
  capture: "cluster",
  wait: "ready",
  quietWindow: 1_000,
  timeout: 2_000,
  include: ["flag/include:1"],
  exclude: ["flag/*"],
  launchNetwork: false,
  nodeImage: "flag/node:v1.33.1",
  kindConfig: "flag-kind.yaml",
  defaultCni: true,
  run: "container",
  lock: true,
  locked: true,
  runImage: "flag/tools:1",
  pull: "always",
  noCache: false,
  noCacheFilter: ["2"],
  mirror: ["docker.io=https://flag.example"],
  insecure: ["flag.local"],
  progress: "plain",
  cacheFrom: ["type=gha"],
  cacheTo: ["type=local,dest=cache"],
  cacheTrust: "protected",
  metadataFile: "metadata.json",
  report: "report.json",
  store: "store",
  keepCluster: true,
};

async function resolved(flags: BuildFlags, projectFile?: string, env: Readonly<Record<string, string>> = {}) {
  const cwd = await temporaryDirectory();
  await mkdir(join(cwd, "app"));
  await mkdir(join(cwd, ".git"));
  if (projectFile !== undefined) await writeFile(join(cwd, "app", "kubefile.yaml"), projectFile);
  const { options, settings } = await resolveBuild("app", flags, commandContext({ cwd, env }));
  const shown = JSON.parse(
    JSON.stringify({
      ...options,
      tags: options.tags.map(formatReference),
      buildArgs: Object.fromEntries(options.buildArgs),
      secrets: [...options.secrets.keys()],
      imageBuilds: options.imageBuilds.map((each) => ({ ...each, arguments: Object.fromEntries(each.arguments) })),
    })
      .replaceAll(cwd, "CWD")
      .replaceAll(join(cwd, "../elsewhere"), "ELSEWHERE"),
  );
  return { options: shown, settings };
}

describe("flags over kubefile.yaml over defaults", () => {
  test("defaults", async () => {
    expect(await resolved({})).toEqual({
      options: {
        context: "CWD/app",
        file: "CWD/app/Kubefile",
        fileShown: "app/Kubefile",
        platform: hostPlatform(),
        tags: [],
        push: false,
        outputs: [],
        buildArgs: {},
        labels: {},
        annotations: {},
        secrets: [],
        ...{ imageBuilds: [], imagesWithin: "CWD", builder: "buildkit" },
        capture: "cluster",
        wait: "ready",
        quietWindow: 20_000,
        timeout: 600_000,
        include: [],
        exclude: [],
        launchNetwork: false,
        defaultCni: true,
        keepCluster: false,
        run: "container",
        lock: "auto",
        runImage: defaultRunImage,
        origin: {},
        cacheFrom: [],
        cacheTo: [],
        cacheTrust: { reads: ["protected", "unprotected"], writes: "unprotected", why: "outside of CI" },
        ...{ pull: "changed", noCache: false, noCacheFilter: [], mirrors: {} },
      },
      settings: { mirror: [], insecure: [], progress: "auto" },
    });
  });

  test("kubefile.yaml wins over every default; its paths start at the context", async () => {
    expect(await resolved({}, everyKey)).toEqual({
      options: {
        context: "CWD/app",
        file: "CWD/app/deploy/Kubefile",
        fileShown: "app/deploy/Kubefile",
        platform: { os: "linux", architecture: "arm64" },
        tags: ["registry.example/shop:file"],
        push: true,
        outputs: [{ type: "oci", destination: "CWD/app/file.tar" }],
        buildArgs: { VERSION: "1", CHANNEL: "stable" },
        labels: { "com.example.team": "file", "com.example.file": "1" },
        annotations: { "org.opencontainers.image.title": "File" },
        secrets: [],
        imageBuilds: [
          {
            reference: { host: "file.example", path: "web", tag: "1" },
            ...{ context: "CWD/web", dockerfile: "Dockerfile", shown: "web/Dockerfile", arguments: { A: "1" } },
          },
        ],
        imagesWithin: "CWD",
        builder: "kaniko",
        kanikoImage: "file/kaniko:1",
        baseRegistry: "file.example/bases",
        capture: "static",
        wait: "pulled",
        quietWindow: 5_000,
        timeout: 90_000,
        include: ["file/include:1"],
        exclude: ["file/*"],
        launchNetwork: true,
        nodeImage: "file/node:v1.34.4",
        kindConfig: "CWD/app/kind.yaml",
        defaultCni: false,
        keepCluster: false,
        run: "host",
        lock: "write",
        runImage: "file/tools:1",
        origin: {},
        cacheFrom: [{ type: "local", directory: "CWD/app/cache", written: "type=local,src=cache" }],
        cacheTo: [{ type: "gha", prefix: "cache", written: "type=gha" }],
        cacheTrust: { reads: ["protected", "unprotected"], writes: "unprotected", why: "outside of CI" },
        ...{ pull: "never", noCache: true, noCacheFilter: ["RUN"] },
        mirrors: { "docker.io": "https://file.example" },
      },
      settings: { mirror: ["docker.io=https://file.example"], insecure: ["file.local"], progress: "json" },
    });
  });

  test("flags win over every key; their paths start at the working directory", async () => {
    expect(await resolved(everyFlag, everyKey)).toEqual({
      options: {
        context: "CWD/app",
        file: "CWD/other/Kubefile",
        fileShown: "other/Kubefile",
        platform: { os: "linux", architecture: "arm", variant: "v7" },
        tags: ["registry.example/shop:flag"],
        push: false,
        outputs: [{ type: "oci", destination: "CWD/flag.tar" }],
        // Single arguments are overridden, not all of them.
        buildArgs: { VERSION: "2", CHANNEL: "stable" },
        labels: { "com.example.team": "flag", "com.example.file": "1" },
        annotations: { "org.opencontainers.image.title": "Flag", "com.example.build": "7" },
        secrets: ["token"],
        imageBuilds: [
          {
            reference: { host: "flag.example", path: "web", tag: "1" },
            ...{ context: "ELSEWHERE", dockerfile: "Dockerfile", shown: "ELSEWHERE/Dockerfile", arguments: {} },
          },
        ],
        imagesWithin: "CWD",
        builder: "buildkit",
        kanikoImage: "flag/kaniko:1",
        baseRegistry: "flag.example:5000",
        capture: "cluster",
        wait: "ready",
        quietWindow: 1_000,
        timeout: 2_000,
        include: ["flag/include:1"],
        exclude: ["flag/*"],
        launchNetwork: false,
        nodeImage: "flag/node:v1.33.1",
        kindConfig: "CWD/flag-kind.yaml",
        defaultCni: true,
        keepCluster: true,
        run: "container",
        lock: "exact",
        runImage: "flag/tools:1",
        origin: {},
        cacheFrom: [{ type: "gha", prefix: "cache", written: "type=gha" }],
        cacheTo: [{ type: "local", directory: "CWD/cache", written: "type=local,dest=cache" }],
        cacheTrust: { reads: ["protected"], writes: "protected", why: "--cache-trust protected" },
        ...{ pull: "always", noCache: false, noCacheFilter: ["2"] },
        mirrors: { "docker.io": "https://flag.example" },
        metadataFile: "CWD/metadata.json",
        reportFile: "CWD/report.json",
      },
      settings: {
        mirror: ["docker.io=https://flag.example"],
        insecure: ["flag.local"],
        progress: "plain",
        store: "store",
      },
    });
  });

  test("SOURCE_DATE_EPOCH is taken from the environment, and an empty one is none", async () => {
    expect((await resolved({}, undefined, { SOURCE_DATE_EPOCH: "1700000000" })).options.sourceDateEpoch).toBe(
      1_700_000_000,
    );
    const withArgument = await resolved({ buildArg: ["SOURCE_DATE_EPOCH=1"] }, undefined, { SOURCE_DATE_EPOCH: "2" });
    expect(withArgument.options).toMatchObject({ buildArgs: { SOURCE_DATE_EPOCH: "1" }, sourceDateEpoch: 2 });
    expect((await resolved({}, undefined, { SOURCE_DATE_EPOCH: "2" })).options).toMatchObject({
      buildArgs: { SOURCE_DATE_EPOCH: "2" },
    });
    expect((await resolved({}, undefined, { SOURCE_DATE_EPOCH: "" })).options).not.toHaveProperty("sourceDateEpoch");
  });

  test("an executor's image is a name, not a flag for the engine", async () => {
    await expect(resolved({}, "kanikoImage: --privileged\n")).rejects.toMatchObject({ code: "REFERENCE_INVALID" });
  });

  test("every key of kubefile.yaml is a flag, too, and is looked at", async () => {
    const keys = [...everyKey.matchAll(/^(\w+):/gm)].map(([, key = ""]) => key);
    expect(keys.filter((key) => !(key in everyFlag))).toEqual([]);
  });
});
