import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { KubefileError } from "../../../src/error.ts";
import { annotateError } from "../../../src/platform/annotate-error.ts";
import { detectPlatform } from "../../../src/platform/detect.ts";
import type { Platform } from "../../../src/platform/platform.ts";
import { temporaryDirectories } from "../../support/temporary-directory.ts";
import { kubefile } from "../cli/command.ts";

const temporaryDirectory = temporaryDirectories();
const { signal } = new AbortController();

function job(
  env: Readonly<Record<string, string>> = {},
  cwd = "/work/repo",
): { platform: Platform; log: () => string[] } {
  let text = "";
  const log = {
    write: (part: string) => {
      text += part;
    },
  };
  const platform = detectPlatform({ env: { GITHUB_ACTIONS: "true", GITHUB_WORKSPACE: cwd, ...env }, cwd, log, signal });
  return { platform, log: () => text.split("\n").slice(0, -1) };
}

test("is told by its variable", () => {
  const log = { write: () => undefined };
  const nameIn = (env: Readonly<Record<string, string>>): string => detectPlatform({ env, cwd: "/", log, signal }).name;
  expect([nameIn({ GITHUB_ACTIONS: "true" }), nameIn({ GITHUB_ACTIONS: "" }), nameIn({ CI: "true" })]).toEqual([
    "github",
    "terminal",
    "terminal",
  ]);
});

describe("an annotation", () => {
  test("stands on its line, found from the root of the repository", async () => {
    const root = await temporaryDirectory();
    await mkdir(join(root, "deploy"));
    await writeFile(join(root, "deploy", "Kubefile"), "");
    const { platform, log } = job({ GITHUB_WORKSPACE: root }, join(root, "deploy"));
    annotateError(
      platform,
      new KubefileError("LAUNCH_FAILED", "launch ended with 2:\nno rule", {
        hint: "look here",
        where: { file: "Kubefile", line: 12, column: 6 },
      }),
    );
    expect(log()).toEqual([
      "::error file=deploy/Kubefile,line=12,col=6,title=LAUNCH_FAILED::Kubefile:12:6: launch ended with 2:%0Ano rule%0Alook here",
    ]);
  });

  test("of a file of the rootfs names its path there, and marks no file of the repository", () => {
    const { platform, log } = job();
    const where = { file: "manifests/web.yaml", line: 17 };
    annotateError(platform, new KubefileError("PULL_FAILED", "no such image", { where }));
    platform.annotate({ level: "warning", message: "odd", where });
    expect(log()).toEqual([
      "::error title=PULL_FAILED::manifests/web.yaml:17: no such image",
      "::warning::manifests/web.yaml:17 of the rootfs: odd",
    ]);
  });

  test("of a run as a whole has no place; a cancelled run has none at all", () => {
    const { platform, log } = job();
    annotateError(platform, new KubefileError("ENGINE_MISSING", "no engine"));
    annotateError(platform, new KubefileError("CANCELLED", "cancelled by SIGINT"));
    expect(log()).toEqual(["::error title=ENGINE_MISSING::no engine"]);
  });

  test("is one line whatever its message holds, and not longer than is shown", () => {
    const { platform, log } = job();
    platform.annotate({ level: "warning", message: `\u001b[2J\r::error::x\n${"a".repeat(10_000)}` });
    expect(log()).toHaveLength(1);
    expect(log()[0]).toMatch(/^::warning::�::error::x%0Aa+…$/);
    expect(log()[0]?.length).toBeLessThan(4_100);
  });
});

test("a mask covers each line of a secret, and none that is blank", () => {
  const { platform, log } = job();
  platform.mask("first\n\nsecond%\r\n");
  expect(log()).toEqual(["::add-mask::first", "::add-mask::second%25"]);
});

test("a page takes what it has room for, and says so of the rest: of more than 1 MiB GitHub would show nothing", async () => {
  const summary = join(await temporaryDirectory(), "summary");
  const { platform } = job({ GITHUB_STEP_SUMMARY: summary });
  const first = "é".repeat(300 * 1024);
  await platform.summary(first);
  await platform.summary(first);
  await platform.summary("# It has room for this");
  expect(await readFile(summary, "utf8")).toBe(
    `${first}\nThis page has no room for more; the log has it.\n# It has room for this\n`,
  );
});

test("outputs and summary go to the files of the step, whatever they hold", async () => {
  const directory = await temporaryDirectory();
  const [output, summary] = [join(directory, "output"), join(directory, "summary")];
  const { platform } = job({ GITHUB_OUTPUT: output, GITHUB_STEP_SUMMARY: summary });
  await platform.output("digest", "sha256:a");
  await platform.output("images", "[\n]\nEOF\ndigest<<x");
  await platform.summary("# One\n\n");
  await platform.summary("# Two");
  expect(await readFile(summary, "utf8")).toBe("# One\n# Two\n");
  const entries = [...(await readFile(output, "utf8")).matchAll(/^(\w+)<<(kubefile_\S+)\n(.*?)\n\2\n/gms)];
  expect(entries.map(([, name, , value]) => [name, value])).toEqual([
    ["digest", "sha256:a"],
    ["images", "[\n]\nEOF\ndigest<<x"],
  ]);
});

test("a warning of a run is an annotation on its line", async () => {
  const root = await temporaryDirectory();
  await writeFile(join(root, "Kubefile"), "");
  const { platform, log } = job({}, root);
  const renderer = platform.renderer(() => 0);
  renderer?.render({ type: "phase-start", phase: "a::b\n" });
  renderer?.render({ type: "phase-log", phase: "a::b\n", line: "::error::x ##[error]y" });
  renderer?.render({ type: "note", level: "warning", text: "odd", where: { file: "Kubefile", line: 2 } });
  renderer?.close();
  expect(log()).toEqual([
    "::group::a::b�",
    "   0.0s | ::error::x ##\\u005berror]y",
    "::warning file=Kubefile,line=2::odd",
    "::endgroup::",
  ]);
});

test("lint and build mark every finding on its line", async () => {
  const cwd = await temporaryDirectory();
  await writeFile(join(cwd, "Kubefile"), "FROM scratch\nCOPPY a b\nLAUNCH [a]\n");
  const marks = [
    "::error file=Kubefile,line=2,col=1,title=unknown-instruction::",
    "::error file=Kubefile,line=3,col=8,title=unquoted-json::",
  ];
  for (const verb of ["lint", "build"]) {
    const { platform, log } = job({}, cwd);
    await kubefile([verb, "."], { cwd, platform });
    expect(
      log()
        .filter((line) => line.startsWith("::error"))
        .map((line) => line.slice(0, line.lastIndexOf("::") + 2)),
    ).toEqual(marks);
  }
});
