import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parseConfig } from "../../../src/image/config.ts";
import type { BuildReport } from "../../../src/image/report.ts";
import type { ClusterImageConfig } from "../../../src/image/types.ts";
import type { Verdict } from "../../../src/pipeline/verify.ts";
import { buildImage, buildLayer, digestOf } from "../../support/image-builder.ts";
import { uploadImage } from "../../support/image-upload.ts";
import { type CommandHome, type CommandResult, commandHome } from "../../support/kubefile-command.ts";
import { fetchBlob, fetchManifest } from "../../support/registry-walk.ts";
import { startTinyApp, strangerImage, type TinyApp, tinyImage } from "../cleanup/tiny-app.ts";
import { podManifest, writeContext } from "../shop/context.ts";

interface Built {
  readonly result: CommandResult;
  readonly report: BuildReport;
}

let home: CommandHome;
let app: TinyApp;
let base: Built;
/** What the tags of the two images stood for when they were captured. */
let digests: Readonly<Record<string, string | undefined>>;

/** In a store of that name. A base without a registry is one of the test's own. */
async function build(store: string, context: string, ...flags: readonly string[]): Promise<Built> {
  const report = join(home.directory, "report.json");
  const own = ["--store", join(home.directory, store), "--report", report, "--quiet-window", "2s"];
  const registry = ["--base-registry", app.registry.host];
  const result = await home.kubefile(["build", ...own, ...registry, ...app.mirror, ...flags, context]);
  expect(result.exitCode, result.stderr).toBe(0);
  return { result, report: JSON.parse(await readFile(report, "utf8")) };
}

function child(name: string, ...lines: readonly string[]): Promise<string> {
  return writeContext(join(home.directory, name), {
    Kubefile: ["FROM demo/tiny:1", "COPY more.yaml manifests/", ...lines, ""].join("\n"),
    "more.yaml": podManifest("more", strangerImage),
  });
}

async function configOf(repository: string): Promise<ClusterImageConfig> {
  const { document } = await fetchManifest(app.registry, repository, "1");
  return parseConfig(await fetchBlob(app.registry, repository, document.config?.digest ?? ""));
}

/** Files alone are read for its capture: what a child's rehearsal finds is the child's. */
async function buildBase(setting: string): Promise<Built> {
  await writeContext(app.context, {
    Kubefile: "FROM scratch\nENV MODE=base\nCOPY . .\nCMD echo $MODE && kubectl apply -f manifests\nCMD sleep 1\n",
    setting,
  });
  return build("base", app.context, "--capture", "static", "--tag", app.reference, "--push");
}

beforeAll(async () => {
  home = await commandHome();
  app = await startTinyApp(home.directory);
  base = await buildBase("one");
  const stranger = await fetchManifest(app.registry, "tiny/stranger", "1");
  digests = { [tinyImage]: base.report.images[0]?.digest, [strangerImage]: digestOf(stranger.bytes) };
  // A node that gets what the tag stands for from now on cannot start it.
  const layer = await buildLayer([{ path: "nothing", content: "to run" }]);
  const broken = buildImage({ format: "oci", layers: [layer], entrypoint: ["/nothing"] });
  await uploadImage(app.registry, "tiny/app", "1", broken);
});
afterAll(async () => {
  await app?.stop();
  await home?.remove();
});

function sourcesOf({ images }: BuildReport): Readonly<Record<string, readonly string[]>> {
  return Object.fromEntries(
    images.map(({ reference, reasons }) => [reference, [...new Set(reasons.map(({ source }) => source))].sort()]),
  );
}

describe("a child without a launch of its own", () => {
  let context: string;
  let cold: Built;
  const flags = (): readonly string[] => ["--tag", `${app.registry.host}/demo/inheriting:1`, "--push"];

  test("is rehearsed with the launch and the images of its base", async () => {
    context = await child("inheriting");
    cold = await build("inheriting", context, ...flags());
    expect(cold.result.runIds).toHaveLength(1);
    expect(cold.report).toMatchObject({ grade: "ready", rehearsal: { state: "rehearsed" } });
    expect(Object.fromEntries(cold.report.images.map((image) => [image.reference, image.digest]))).toEqual(digests);
    expect(sourcesOf(cold.report)).toEqual({
      [tinyImage]: ["inherited", "pulled", "static"],
      [strangerImage]: ["pulled", "static"],
    });
    const [inherited] = cold.report.images.flatMap(({ reasons }) =>
      reasons.filter((one) => one.source === "inherited"),
    );
    expect(inherited?.text).toBe(`captured by ${app.reference}`);
    const config = await configOf("demo/inheriting");
    expect(config.env).toEqual({ MODE: "base" });
    expect(config.launch.commands.map(({ command }) => command)).toEqual([
      "echo $MODE && kubectl apply -f manifests",
      "sleep 1",
    ]);
  });

  test("starts no cluster when nothing has changed", async () => {
    const { result, report } = await build("inheriting", context, ...flags());
    expect(result.runIds).toEqual([]);
    expect([...report.steps, report.rehearsal].map((one) => one?.state)).toEqual(["cached", "cached"]);
    expect(report.digest).toBe(cold.report.digest);
  });
});

describe("a child with a CMD", () => {
  const reference = (): string => `${app.registry.host}/demo/replacing:1`;
  let context: string;
  const buildIt = (): Promise<Built> =>
    build("replacing", context, "--capture", "static", "--tag", reference(), "--push");

  test("starts nothing of its base, and has the images of both", async () => {
    context = await child("replacing", "CMD kubectl apply -f manifests/more.yaml");
    const { report } = await buildIt();
    expect(Object.fromEntries(report.images.map((image) => [image.reference, image.digest]))).toEqual(digests);
    expect(sourcesOf(report)).toEqual({ [tinyImage]: ["inherited"], [strangerImage]: ["static"] });
    const { launch } = await configOf("demo/replacing");
    expect(launch.commands.map(({ command }) => command)).toEqual(["kubectl apply -f manifests/more.yaml"]);
  });

  test("is verified in a cluster that gets images from it alone", async () => {
    const store = join(home.directory, "verifying");
    const flags = ["--store", store, "--quiet-window", "2s", "--format", "json"];
    const verified = await home.kubefile(["verify", ...flags, reference()]);
    expect(verified, verified.stderr).toMatchObject({ exitCode: 0 });
    const verdict: Verdict = JSON.parse(verified.stdout);
    expect(verdict).toMatchObject({ verdict: "passed", reasons: [], images: 2, pods: 1 });
  });

  test("is built anew, and told why, when its base has changed", async () => {
    const changed = await buildBase("two");
    expect(changed.report.digest).not.toBe(base.report.digest);
    // Its own images are asked for anew: the tag that moved is one of them.
    expect(changed.report.images[0]?.digest).not.toBe(digests[tinyImage]);
    const { report } = await buildIt();
    expect(report.steps).toMatchObject([
      {
        state: "built",
        reason: `${app.reference} moved from ${base.report.digest} to ${changed.report.digest}`,
      },
    ]);
    expect(report.rehearsal).toEqual({
      state: "scanned",
      reason: "the rootfs changed, and 1 more",
    });
  });
});
