import { mkdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { type BuildkitDaemon, startBuildkitDaemon } from "../../support/buildkit-daemon.ts";
import { type CommandHome, type CommandResult, commandHome } from "../../support/kubefile-command.ts";
import { temporaryDirectories } from "../../support/temporary-directory.ts";

const createDirectory = temporaryDirectories();
const web = "registry.invalid/shop/web:dev";
const manifest = `apiVersion: v1\nkind: Pod\nmetadata: { name: web }\nspec: { containers: [{ name: web, image: "${web}" }] }\n`;
const files = {
  "deploy/Kubefile": "FROM scratch\nCOPY manifests manifests\nCMD kubectl apply -f manifests\n",
  "deploy/manifests/web.yaml": manifest,
  "web/Dockerfile":
    "FROM scratch AS base\nCOPY page /page\nFROM base AS extra\nARG VERSION=0\nLABEL version=$VERSION\n",
  "web/page": "one\n",
};

let daemon: BuildkitDaemon;
let home: CommandHome;
let project: string;

beforeAll(async () => {
  [daemon, home] = await Promise.all([startBuildkitDaemon(), commandHome()]);
});
afterAll(async () => {
  await Promise.all([daemon?.stop(), home?.remove()]);
});
beforeEach(async () => {
  project = await createDirectory();
  await writeFiles(project, files);
});

async function writeFiles(directory: string, contents: Readonly<Record<string, string>>): Promise<void> {
  for (const [path, content] of Object.entries(contents)) {
    const file = join(directory, path);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, content);
  }
}

interface Report {
  readonly digest: string;
  readonly images: readonly { readonly reference: string; readonly digest: string; readonly reasons: unknown }[];
  readonly warnings: readonly string[];
  readonly rehearsal: { readonly state: string; readonly reason?: string };
}

async function build(...flags: readonly string[]): Promise<CommandResult & { readonly report: Report }> {
  const file = join(project, "report.json");
  const path = `${daemon.programs}:${process.env.PATH ?? ""}`;
  const words = ["build", "--capture", "static", "--report", file, ...flags, join(project, "deploy")];
  const result = await home.kubefile(words, { env: { PATH: path, BUILDKIT_HOST: daemon.host } });
  const report: Report = JSON.parse(await readFile(file, "utf8").catch(() => "{}"));
  return { ...result, report };
}

const named = (more = ""): string[] => ["--build-image", `ref=${web},context=${join(project, "web")}${more}`];

describe("an image that is built with the cluster image", () => {
  test("is captured under its name, which no registry knows, and says what it was built from", async () => {
    const { exitCode, report, stderr } = await build(...named());
    expect(exitCode, stderr).toBe(0);
    expect(report.images).toMatchObject([{ reference: web }]);
    expect(report.images[0]?.reasons).toContainEqual({
      source: "built",
      text: expect.stringMatching(/^built from .*web\/Dockerfile$/),
    });
  });

  test("is the same for the same sources, and what is built of it is known", async () => {
    const first = await build(...named());
    const again = await build(...named());
    expect(again.report.images).toEqual(first.report.images);
    expect(again.report.digest).toBe(first.report.digest);
    expect(again.report.rehearsal).toMatchObject({ state: "cached" });
    await writeFile(join(project, "web/page"), "two\n");
    const changed = await build(...named());
    expect(changed.report.images[0]?.digest).not.toBe(first.report.images[0]?.digest);
    const [old, made] = [first, changed].map(({ report }) => report.images[0]?.digest);
    expect(changed.report.rehearsal.reason).toBe(`image ${web} was built anew: ${old} -> ${made}`);
  });

  test("takes a stage and values of ARG", async () => {
    const [plain, one, two, base] = [
      await build(...named()),
      await build(...named(",arg.VERSION=1")),
      await build(...named(",arg.VERSION=2")),
      await build(...named(",target=base")),
    ].map(({ report }) => report.images[0]?.digest);
    expect(new Set([plain, one, two, base]).size).toBe(4);
  });

  test("is named in kubefile.yaml, by its directory from the context", async () => {
    await writeFile(join(project, "deploy/kubefile.yaml"), `buildImage: ["ref=${web},context=images/web"]\n`);
    await writeFiles(join(project, "deploy/images"), {
      "web/Dockerfile": "FROM scratch\nCOPY page /\n",
      "web/page": "",
    });
    const { exitCode, report, stderr } = await build();
    expect(exitCode, stderr).toBe(0);
    expect(report.images).toMatchObject([{ reference: web }]);
  });

  test("is in no lock: its sources say what it is", async () => {
    const { exitCode, stderr } = await build(...named(), "--lock");
    expect(exitCode, stderr).toBe(0);
    expect(await readFile(join(project, "deploy/kubefile.lock"), "utf8")).not.toContain("shop/web");
    expect((await build(...named(), "--locked")).exitCode).toBe(0);
  });

  test("is missed by a warning when the launch does not use it", async () => {
    const { report } = await build(...named(), "--build-image", `ref=registry.invalid/old:1,context=${project}/web`);
    expect(report.warnings).toEqual([
      expect.stringMatching(
        /^registry\.invalid\/old:1 was built from .*, but the launch does not use it: it is left out$/,
      ),
    ]);
  });
});

describe("a build ends", () => {
  test("with every image that cannot be built, what the builder said, and the line to blame", async () => {
    await writeFiles(project, {
      "web/Dockerfile": "FROM scratch\n\nCOPY nothing /\n",
      "other/Dockerfile": "FROM scratch\nFETCH x\n",
    });
    const other = `ref=registry.invalid/other:1,context=${join(project, "other")}`;
    const { exitCode, stderr } = await build(...named(), "--build-image", other);
    expect(exitCode).toBe(1);
    expect(stderr).toMatch(/web\/Dockerfile:3.*registry\.invalid\/shop\/web:dev cannot be built/);
    expect(stderr).toContain('"/nothing": not found');
    expect(stderr).toContain("unknown instruction: FETCH");
  });

  test("before anything is built when a context is none", async () => {
    const { exitCode, stderr } = await build("--build-image", `ref=${web},context=${project}/nowhere`);
    expect(exitCode).toBe(2);
    expect(stderr).toContain(`the context of ${web} cannot be read`);
  });

  test("when a file of the project names what is outside of it, by a path or by a link", async () => {
    const file = join(project, "deploy/kubefile.yaml");
    await writeFile(file, `buildImage: ["ref=${web},context=../web"]\n`);
    const byPath = await build();
    await symlink("../web", join(project, "deploy/link"));
    await writeFile(file, `buildImage: ["ref=${web},context=link"]\n`);
    const byLink = await build();
    // The checkout is what a commit brings, wherever in it the context lies.
    await mkdir(join(project, ".git"));
    const inCheckout = await build();
    expect([byPath.exitCode, byLink.exitCode, inCheckout.exitCode]).toEqual([2, 2, 0]);
    expect(byPath.stderr).toContain("its context ../web is outside of");
    expect(byLink.stderr).toContain("is a link out of the project");
  });

  test("when links of a commit make of what flags name something else", async () => {
    const outside = await createDirectory();
    await writeFiles(outside, { Dockerfile: "FROM scratch\nCOPY secret /\n", secret: "auth 8d1f" });
    await mkdir(join(project, ".git"));
    await rm(join(project, "web"), { recursive: true });
    await symlink(outside, join(project, "web"));
    const byContext = await build(...named());
    await rm(join(project, "web"));
    await mkdir(join(project, "web"));
    await symlink(join(outside, "secret"), join(project, "web/Dockerfile"));
    const byDockerfile = await build(...named());
    expect([byContext.exitCode, byDockerfile.exitCode]).toEqual([2, 2]);
    expect(byContext.stderr).toContain(`the context of ${web} is a link out of the project`);
    expect(byDockerfile.stderr).toContain(`the Dockerfile of ${web} is a link out of its context`);
    expect(byContext.stderr + byDockerfile.stderr).not.toContain("8d1f");
  });

  test("with what to install when there is no builder", async () => {
    const words = ["build", "--capture", "static", ...named(), join(project, "deploy")];
    const { exitCode, stderr } = await home.kubefile(words, {
      env: { BUILDKIT_HOST: "", PATH: process.env.PATH ?? "" },
    });
    expect(exitCode).toBe(3);
    expect(stderr).toContain("docker buildx is not here");
  });
});
