import { mkdir, symlink, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { beforeEach, describe, expect, test } from "vitest";
import type { BuildFlags } from "../../../src/platform/build-inputs.ts";
import { resolvePreview } from "../../../src/platform/preview-inputs.ts";
import { resolveBuild } from "../../../src/platform/resolve-build.ts";
import { temporaryDirectories } from "../../support/temporary-directory.ts";
import { commandContext, kubefile } from "../cli/command.ts";

const temporaryDirectory = temporaryDirectories();
const canary = "c4n4ry-of-the-machine";
/** A checkout with a context in it, and beside it what is the machine's own. */
let cwd: string;
let machine: string;

beforeEach(async () => {
  const directory = await temporaryDirectory();
  cwd = join(directory, "checkout");
  machine = join(directory, "config.json");
  await write("app/Kubefile", "FROM scratch\nCMD true\n");
  await mkdir(join(cwd, ".git"));
  await writeFile(machine, `${canary}\n`);
});

async function write(path: string, text: string): Promise<void> {
  await mkdir(dirname(join(cwd, path)), { recursive: true });
  await writeFile(join(cwd, path), text);
}

const build = (flags: BuildFlags = {}, env: Record<string, string> = {}) =>
  resolveBuild("app", flags, commandContext({ cwd, env }));

describe("a link of the commit", () => {
  test.each([
    ["kubefile.yaml", {}],
    ["kubefile.lock", {}],
    [".kubefileignore", {}],
    [".dockerignore", {}],
    ["Other", { file: "app/Other" }],
    ["Other.lock", { file: "app/Other" }],
    ["kind.yaml", { kindConfig: "app/kind.yaml" }],
  ])("%s leads to no file of the machine", async (name, flags) => {
    if (name === "Other.lock") await write("app/Other", "FROM scratch\n");
    await symlink(machine, join(cwd, "app", name));
    await expect(build(flags)).rejects.toMatchObject({
      code: "PATH_ESCAPES",
      message: `${join(cwd, "app", name)} leads out of the checkout ${cwd}, to ${machine}`,
    });
  });

  test("may lead to another part of the checkout, and what is elsewhere may be named by flags", async () => {
    await write("shared/kubefile.yaml", "nodeImage: kindest/node:v1.34.4\n");
    await symlink("../shared/kubefile.yaml", join(cwd, "app/kubefile.yaml"));
    expect((await build({ file: machine, kindConfig: machine })).options).toMatchObject({
      ...{ file: machine, kindConfig: machine, nodeImage: "kindest/node:v1.34.4" },
    });
  });

  test("leads a preview to no values of the machine", async () => {
    await symlink(machine, join(cwd, "values.yaml"));
    const preview = (file: string) => resolvePreview("app", { values: [`shop=${file}`] }, commandContext({ cwd }));
    await expect(preview("values.yaml")).rejects.toMatchObject({ code: "PATH_ESCAPES" });
    expect((await preview(machine)).options.launch.values).toEqual([{ chart: "shop", file: machine }]);
  });

  test.each(["Kubefile", ".dockerignore"])("lets the linter show nothing of the machine: %s", async (name) => {
    await mkdir(join(cwd, "other"));
    if (name !== "Kubefile") await write("other/Kubefile", "FROM scratch\n");
    await symlink(machine, join(cwd, "other", name));
    const { exitCode, stdout, stderr } = await kubefile(["lint", "app", "other"], { cwd });
    expect(exitCode).toBe(2);
    expect(stdout).toContain("app/Kubefile: ");
    expect(stderr).toContain("error[PATH_ESCAPES]");
    expect(stdout + stderr).not.toContain(canary);
  });
});

test("a file's name steers no terminal in the linter's JSON", async () => {
  await write("\u009b2J/Kubefile", "NONE\n");
  const { stdout } = await kubefile(["lint", "--format", "json", "\u009b2J"], { cwd });
  expect(JSON.parse(stdout)).toMatchObject([{ file: "\u009b2J/Kubefile" }]);
  expect(stdout).not.toContain("\u009b");
});

test.each(["file", "kindConfig"])("kubefile.yaml names no %s outside of its checkout", async (key) => {
  await write("app/kubefile.yaml", `${key}: ${machine}\n`);
  await expect(build()).rejects.toMatchObject({ code: "PATH_ESCAPES", message: expect.stringContaining(machine) });
  await write("app/kubefile.yaml", `${key}: ../../config.json\n`);
  await expect(build()).rejects.toMatchObject({ code: "PATH_ESCAPES" });
});

describe("kubefile.yaml in a pull request of a fork", () => {
  const event = async (head: string): Promise<Record<string, string>> => {
    await write("event.json", JSON.stringify({ pull_request: { head: { repo: { full_name: head } } } }));
    const path = join(cwd, "event.json");
    return { GITHUB_EVENT_NAME: "pull_request", GITHUB_REPOSITORY: "shop/app", GITHUB_EVENT_PATH: path };
  };
  const cases: [string, string, BuildFlags][] = [
    ["mirror", "mirror: {ghcr.io: 'https://evil.example'}", { mirror: [] }],
    ["insecure", "insecure: [ghcr.io]", { insecure: ["registry.local"] }],
    ["push", "push: true\ntag: [ghcr.io/shop/app:latest]", { push: false }],
    ["output", "output: ['type=oci,dest=/home/runner/.profile']", { output: [] }],
  ];

  test.each(cases)("does not decide over %s; the job does", async (key, text, flags) => {
    await write("app/kubefile.yaml", text);
    await expect(build({}, await event("stranger/app"))).rejects.toMatchObject({
      code: "USAGE",
      message: `kubefile.yaml may not decide over ${key} in a pull request from the fork stranger/app`,
      hint: expect.stringContaining(`--${key}`),
    });
    await expect(build(flags, await event("stranger/app"))).resolves.toBeDefined();
    await expect(build({}, await event("shop/app"))).resolves.toBeDefined();
    await expect(build()).resolves.toBeDefined();
  });

  test("gives no names to what the job pushes", async () => {
    await write("app/kubefile.yaml", "tag: [ghcr.io/shop/app:latest]");
    const env = await event("stranger/app");
    await expect(build({ push: true }, env)).rejects.toMatchObject({ message: expect.stringContaining("over tag in") });
    await expect(build({ pushByDigest: true }, env)).rejects.toMatchObject({ code: "USAGE" });
    await expect(build({ push: true, tag: ["ghcr.io/shop/app:pr-1"] }, env)).resolves.toBeDefined();
    await expect(build({}, env)).resolves.toBeDefined();
  });

  test("is taken as it is where it decides over its own build alone", async () => {
    await write("app/kubefile.yaml", "capture: static\npush: false\nmirror: {}\ninsecure: []\n");
    expect((await build({}, await event("stranger/app"))).options.capture).toBe("static");
  });
});
