import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { KubefileError } from "../../../src/error.ts";
import { annotateError } from "../../../src/platform/annotate-error.ts";
import { detectPlatform } from "../../../src/platform/detect.ts";
import type { Platform } from "../../../src/platform/platform.ts";
import { type FakeGitLab, startFakeGitLab } from "../../support/fake-gitlab.ts";
import { temporaryDirectories } from "../../support/temporary-directory.ts";
import { kubefile } from "../cli/command.ts";

const temporaryDirectory = temporaryDirectories();
const { signal } = new AbortController();

function job(
  env: Readonly<Record<string, string>> = {},
  cwd = "/builds/shop",
): { platform: Platform; log: () => string } {
  let text = "";
  const log = {
    write: (part: string) => {
      text += part;
    },
  };
  const platform = detectPlatform({ env: { GITLAB_CI: "true", CI_PROJECT_DIR: cwd, ...env }, cwd, log, signal });
  return { platform, log: () => text };
}

describe("the log of a GitLab job", () => {
  it("is folded by phase, with what it came to in sight", () => {
    const { platform, log } = job();
    const renderer = platform.renderer(() => 1_000);
    renderer?.render({ type: "phase-start", phase: "RUN make" });
    renderer?.render({ type: "phase-log", phase: "RUN make", line: "all done" });
    renderer?.render({ type: "phase-end", phase: "RUN make", milliseconds: 1_500, failed: false });
    renderer?.close();
    expect(log().replace(/:\d{10}:/g, ":TIME:")).toBe(
      [
        "\u001b[0Ksection_start:TIME:kubefile_1_run_make[collapsed=true]\r\u001b[0KRUN make\n",
        "   0.0s | all done\n",
        "\u001b[0Ksection_end:TIME:kubefile_1_run_make\r\u001b[0K\n",
        "   0.0s * RUN make (1.5s)\n",
      ].join(""),
    );
  });

  it("takes no section from strangers, and shows no secret", () => {
    const { platform, log } = job({ CI_JOB_TOKEN: "glcbt-64_secret" });
    platform.mask('pass"word/1');
    const out = platform.guard({ write: (text: string) => text });
    expect(out.write("\u001b[0Ksection_end:1:step_script\r\u001b[0K\n")).toBe(
      "\u001b[0Ksection_\u200bend:1:step_script\r\u001b[0K\n",
    );
    expect(out.write('glcbt-64_secret pass"word/1 pass\\"word/1 pass%22word%2F1 the section_start')).toBe(
      "[MASKED] [MASKED] [MASKED] [MASKED] the section_start",
    );
    const renderer = platform.renderer(() => 0);
    renderer?.render({ type: "note", level: "info", text: "glcbt-64_secret section_start:1:x" });
    expect(log()).toContain("[MASKED] section_\u200bstart:1:x");
  });
});

describe("the code quality report", () => {
  const findings = async (file: string): Promise<unknown> => JSON.parse(await readFile(file, "utf8"));

  it("holds what lint finds, on its line, under a fingerprint of its own", async () => {
    const cwd = await temporaryDirectory();
    await writeFile(join(cwd, "Kubefile"), "FROM scratch\nCOPPY a b\nCOPPY a b\nCMD kubectl version\n");
    const { platform } = job({ KUBEFILE_RESULTS: ".kubefile/a" }, cwd);
    await kubefile(["lint", "."], { cwd, platform });
    const message = '"COPPY" is not an instruction\ndid you mean "COPY"?';
    const finding = { description: message, check_name: "unknown-instruction", severity: "critical" };
    expect(await findings(join(cwd, ".kubefile/a/code-quality.json"))).toEqual([
      {
        ...finding,
        fingerprint: expect.stringMatching(/^[0-9a-f]{64}$/),
        location: { path: "Kubefile", lines: { begin: 2 } },
      },
      {
        ...finding,
        fingerprint: expect.stringMatching(/^[0-9a-f]{64}$/),
        location: { path: "Kubefile", lines: { begin: 3 } },
      },
    ]);
  });

  it("knows a finding again when lines are put in above it, and holds each once", async () => {
    const cwd = await temporaryDirectory();
    const report = async (lines: readonly number[], results: string) => {
      const { platform } = job({ KUBEFILE_RESULTS: results }, cwd);
      for (const line of lines) {
        platform.annotate({
          level: "warning",
          title: "no-launch",
          message: "m",
          where: { file: "deploy/Kubefile", line },
        });
      }
      return JSON.stringify(await findings(join(cwd, results, "code-quality.json"))).match(/"fingerprint":"\w+"/g);
    };
    const before = await report([3, 9, 3], "before");
    const after = await report([13, 19], "after");
    expect(before).toHaveLength(2);
    expect(after).toEqual(before);
    expect(new Set(before).size).toBe(2);
  });

  it("has paths from the repository's root on, whatever directory the job is in", async () => {
    const root = await temporaryDirectory();
    const { platform } = job({ KUBEFILE_RESULTS: root, CI_PROJECT_DIR: root }, join(root, "a"));
    const where = { file: "../b/Kubefile", line: 1 };
    annotateError(platform, new KubefileError("LAUNCH_FAILED", "no", { where }));
    annotateError(platform, new KubefileError("ENGINE_MISSING", "of no file"));
    expect(await findings(join(root, "code-quality.json"))).toMatchObject([{ location: { path: "b/Kubefile" } }]);
  });
});

describe("outputs", () => {
  const digest = `sha256:${"a".repeat(64)}`;

  it("are lines of a dotenv report, the last one of a name", async () => {
    const cwd = await temporaryDirectory();
    const { platform } = job({ KUBEFILE_RESULTS: "." }, cwd);
    await platform.output("digest", "none");
    await platform.output("cache-hit", "true");
    await platform.output("digest", digest);
    await platform.output("images", '[{"reference": "a"}]');
    await platform.output("comment-url", "https://gitlab.test/shop/-/merge_requests/12#note_300");
    expect(await readFile(join(cwd, "outputs.env"), "utf8")).toBe(
      [
        ...["KUBEFILE_CACHE_HIT=true", `KUBEFILE_DIGEST=${digest}`],
        ...["KUBEFILE_COMMENT_URL=https://gitlab.test/shop/-/merge_requests/12#note_300", ""],
      ].join("\n"),
    );
  });

  it.each(["two\nlines", "a\rb", "$CI_JOB_TOKEN", "a b", '"quoted"', "`x`", "\u0000", "é"])(
    "with the value %j are refused",
    async (value) => {
      const cwd = await temporaryDirectory();
      const { platform } = job({ KUBEFILE_RESULTS: "." }, cwd);
      await expect(platform.output("digest", value)).rejects.toMatchObject({ code: "PLATFORM" });
      await expect(readFile(join(cwd, "outputs.env"))).rejects.toMatchObject({ code: "ENOENT" });
    },
  );

  it("do not outgrow what GitLab takes", async () => {
    const cwd = await temporaryDirectory();
    const { platform } = job({ KUBEFILE_RESULTS: "." }, cwd);
    await expect(platform.output("report", "x".repeat(5 * 1024))).rejects.toMatchObject({ code: "PLATFORM" });
  });
});

describe("writing to GitLab", () => {
  let gitlab: FakeGitLab | undefined;
  afterEach(() => gitlab?.close());

  const start = async (declared: readonly string[]): Promise<Record<string, string>> => {
    const user = { id: 7, username: "project_41_bot" };
    gitlab = await startFakeGitLab({
      project: "41",
      mergeRequest: 12,
      tokens: { "glpat-robot": { kind: "access", user, scopes: ["api"] }, "job-token": { kind: "job" } },
      declared,
      pipelines: { 900: { sha: "c0de", ref: "main" }, 901: { sha: "c0de", ref: "refs/merge-requests/12/head" } },
    });
    return { CI_API_V4_URL: gitlab.api, CI_PROJECT_ID: "41", CI_COMMIT_SHA: "c0de", CI_JOB_TOKEN: "job-token" };
  };

  it.each([
    [{}, "note preview is not written: this pipeline belongs to no merge request; its text is in note.md\n"],
    [
      { CI_MERGE_REQUEST_IID: "12" },
      "note preview is not written: KUBEFILE_GITLAB_TOKEN is not set, and a job's own token may not write here; its text is in note.md\n",
    ],
  ])("is left out with %j, and said so", async (variables, said) => {
    const cwd = await temporaryDirectory();
    await writeFile(join(cwd, "note.md"), "# Passed\n");
    const { platform } = job({ ...(await start([])), ...variables }, cwd);
    const outcome = await kubefile(["note", "--file", "note.md", "--key", "preview"], { cwd, platform });
    expect(outcome).toEqual({ exitCode: 0, stdout: said, stderr: "" });
    expect(gitlab?.server.requests).toEqual([]);
  });

  it("puts a note where the request is discussed, which is not always the project of the job", async () => {
    const cwd = await temporaryDirectory();
    await writeFile(join(cwd, "note.md"), "# Passed\n");
    const env = await start([
      "GET /user",
      "GET /projects/:id/merge_requests/:iid/notes",
      "POST /projects/:id/merge_requests/:iid/notes",
    ]);
    const { platform } = job({
      ...{ ...env, CI_PROJECT_ID: "99", KUBEFILE_GITLAB_TOKEN: "glpat-robot" },
      ...{ CI_MERGE_REQUEST_IID: "12", CI_MERGE_REQUEST_PROJECT_ID: "41" },
      CI_MERGE_REQUEST_PROJECT_URL: "https://gitlab.test/shop",
    });
    const outcome = await kubefile(["note", "--file", "note.md", "--key", "preview"], { cwd, platform });
    expect(outcome.stdout).toBe("note preview is written: https://gitlab.test/shop/-/merge_requests/12#note_300\n");
    expect(gitlab?.notes.map(({ body }) => body)).toEqual(["<!-- kubefile:preview -->\n# Passed\n"]);
    expect(gitlab?.violations).toEqual([]);
  });

  it.each([
    ["a branch's", "900", "main"],
    // GitLab gives it the name of the request's branch there; its own ref is another.
    ["a merge request's", "901", "topic"],
  ])("marks the commit in %s pipeline, and does not mind that it is marked so already", async (_, id, ref) => {
    const env = await start(["POST /projects/:id/statuses/:sha"]);
    const { platform } = job({
      ...{ ...env, KUBEFILE_GITLAB_TOKEN: "glpat-robot", CI_PIPELINE_ID: id, CI_COMMIT_REF_NAME: ref },
    });
    const status = { context: "kubefile/verify", state: "failure", description: "x".repeat(300) } as const;
    expect(await platform.commitStatus(status)).toEqual({ state: "written" });
    expect(await platform.commitStatus(status)).toEqual({ state: "written" });
    const description = "x".repeat(255);
    expect(gitlab?.statuses.get("kubefile/verify")?.fields).toEqual({
      ...{ name: "kubefile/verify", state: "failed", description, pipeline_id: Number(id) },
    });
    expect(gitlab?.violations).toEqual([]);
  });
});
