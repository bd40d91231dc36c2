import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { BuildReport } from "../../../src/image/report.ts";
import { type CommandHome, type CommandResult, commandHome, leftovers } from "../../support/kubefile-command.ts";
import { type Internet, shopCredentials, startInternet } from "../../support/shop/internet.ts";
import { podManifest, writeContext } from "./context.ts";

const shop = fileURLToPath(new URL("../../../examples/shop", import.meta.url));

let internet: Internet;
let home: CommandHome;

beforeAll(async () => {
  [internet, home] = await Promise.all([startInternet(), commandHome()]);
});

afterAll(async () => {
  await Promise.all([internet?.stop(), home?.remove()]);
});

/** Builds without a tag; whatever comes of it, nothing of a run may be left. */
async function build(
  context: string,
  flags: readonly string[] = [],
  env: Readonly<Record<string, string>> = {},
): Promise<CommandResult> {
  const mirrors = Object.entries(internet.mirrors).flatMap(([host, url]) => ["--mirror", `${host}=${url}`]);
  const common = [...mirrors, "--store", home.store, "--quiet-window", "3s", "--progress", "plain"];
  const result = await home.kubefile(["build", ...common, ...flags, context], { env });
  expect(await leftovers(home, result.runIds)).toEqual([]);
  return result;
}

/** What the command says at the end, without the progress before it. */
function errorOf({ stderr }: CommandResult): string {
  return stderr.slice(Math.max(0, stderr.indexOf("error[")));
}

describe("an image that does not exist", () => {
  let context: string;
  let built: CommandResult;
  beforeAll(async () => {
    context = await writeContext(join(home.directory, "missing"), {
      // A namespace apart, so that its pull secret can be looked for in what is kept.
      Kubefile:
        "FROM scratch\nCOPY manifests manifests\nCMD kubectl apply -f manifests/base\nCMD kubectl apply -f manifests/web.yaml\n",
      "manifests/web.yaml": podManifest("web", "docker.io/shop/web:9.9"),
      "manifests/base/secret.yaml": await readFile(join(shop, "manifests/base/registry-access.yaml"), "utf8"),
      "manifests/base/namespace.yaml": await readFile(join(shop, "manifests/base/namespace.yaml"), "utf8"),
    });
    built = await build(context, ["--report", join(home.directory, "missing.json")]);
  });

  test("ends the build with pod, line, the registry's own words and a hint", () => {
    expect(built.exitCode).toBe(1);
    expect(built.runIds).toHaveLength(1);
    const registry = `registry docker.io (at ${internet.registries["docker.io"]?.host})`;
    expect(errorOf(built)).toBe(
      [
        "error[PULL_FAILED]: Kubefile:4: pod default/web container app: docker.io/shop/web:9.9 was not found: " +
          `${registry} answered 404 for manifest docker.io/shop/web:9.9: manifest unknown`,
        "  hint: check the name and the tag, or push the image first",
        "",
      ].join("\n"),
    );
  });

  test("is told in the report, too", async () => {
    const report: BuildReport = JSON.parse(await readFile(join(home.directory, "missing.json"), "utf8"));
    expect(report.failure).toMatchObject({ code: "PULL_FAILED", message: expect.stringContaining("pod default/web") });
    expect(report.digest).toBeUndefined();
  });

  test("keeps and names a bundle of what there was to see, without secrets", async () => {
    const directory = /events, logs and objects are kept in (\S+)/.exec(built.stderr)?.[1] ?? "";
    expect(directory).toBe(join(home.state, "failures", built.runIds[0] ?? ""));
    const files = (await readdir(directory, { recursive: true })).sort();
    expect(files).toEqual(
      expect.arrayContaining(["events.json", "hosts.toml", "pods.json", "proxy.log", "report.json"]),
    );
    expect(await readFile(join(directory, "proxy.log"), "utf8")).toContain("docker.io/shop/web 9.9 404");
    expect(await readFile(join(directory, "hosts.toml"), "utf8")).toContain('x-kubefile-run = "***"');
    for (const file of files.filter((name) => name !== "logs")) {
      const text = await readFile(join(directory, file), "utf8");
      expect(text).not.toContain(shopCredentials.password);
      expect(text).not.toContain(Buffer.from(shopCredentials.password).toString("base64"));
    }
  });
});

describe("pods that cannot become ready", () => {
  test("are all told at once, with events and last log lines", async () => {
    const crashing = ['      command: ["/bin/sh", "-c", "echo no database at db:5432; exit 3"]', "      env: []"].join(
      "\n",
    );
    const context = await writeContext(join(home.directory, "stuck"), {
      Kubefile: "FROM scratch\nCOPY manifests manifests\nCMD kubectl apply -f manifests\n",
      "manifests/crashing.yaml": podManifest("crashing", "docker.io/shop/tool:1", crashing),
      "manifests/homeless.yaml": podManifest("homeless", "docker.io/shop/tool:1", "  nodeSelector: { disk: fast }"),
    });
    const built = await build(context);
    expect(built.exitCode).toBe(1);
    const said = errorOf(built);
    expect(said).toMatch(/^error\[NOT_SETTLED\]: .*Kubefile:3: the launch does not become ready:\n/);
    expect(said).toContain("pod default/crashing container app: CrashLoopBackOff:");
    expect(said).toContain("    log no database at db:5432\n");
    expect(said).toContain("pod default/homeless: Unschedulable:");
    expect(said).toContain("didn't match Pod's node affinity/selector");
    expect(said).toMatch(/\n {2}hint: \S/);
  });
});

describe("a version of Kubernetes that has no node image here", () => {
  test.for(["v1.99", "v1.99.0"])("fails for KUBEVERSION %s, and no other is taken", async (version) => {
    const context = await writeContext(join(home.directory, version), {
      Kubefile: `FROM scratch\nKUBEVERSION ${version}\nCOPY web.yaml .\nCMD kubectl apply -f web.yaml\n`,
      "web.yaml": podManifest("web", "docker.io/shop/web:2.1"),
    });
    const report = join(home.directory, `${version}.json`);
    const built = await build(context, ["--report", report]);
    expect(built.exitCode).toBe(3);
    expect(errorOf(built)).toMatch(/^error\[NODE_IMAGE_MISSING\]: .*1\.99.*\n {2}hint: .*--node-image/);
    expect(JSON.parse(await readFile(report, "utf8"))).not.toHaveProperty("nodeImage");
  });
});

describe("without a Docker Engine", () => {
  const nowhere = { DOCKER_HOST: "unix:///nonexistent/docker.sock" };
  const context = (): Promise<string> =>
    writeContext(join(home.directory, "static"), {
      Kubefile: "FROM scratch\nCOPY web.yaml .\nCMD kubectl apply -f web.yaml\n",
      "web.yaml": podManifest("web", "docker.io/shop/web:2.1"),
    });

  test("a build says what to install", async () => {
    const built = await build(await context(), [], nowhere);
    expect(built.exitCode).toBe(3);
    expect(errorOf(built)).toMatch(/^error\[ENGINE_MISSING\]: .*\n {2}hint: install Docker Engine .*--capture static/s);
  });

  test("--capture static goes without, and claims no more than grade static", async () => {
    const report = join(home.directory, "static.json");
    const built = await build(await context(), ["--capture", "static", "--report", report], nowhere);
    expect(built).toMatchObject({ exitCode: 0 });
    const { grade, images }: BuildReport = JSON.parse(await readFile(report, "utf8"));
    const web = internet.images.find(({ reference }) => reference === "docker.io/shop/web:2.1");
    expect({ grade, images }).toMatchObject({ grade: "static", images: [web] });
  });

  test("--capture static of the shop needs one, for its RUN", async () => {
    const built = await build(shop, ["--capture", "static"], nowhere);
    expect(built.exitCode).toBe(3);
    expect(errorOf(built)).toMatch(
      /^error\[ENGINE_MISSING\]: \S*Kubefile:29:1: RUN sed .* runs in a container, and no Docker Engine answers.*--run=host/s,
    );
  });
});
