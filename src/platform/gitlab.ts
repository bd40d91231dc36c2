import { readFileSync, writeFileSync } from "node:fs";
import { appendFile, readFile, writeFile } from "node:fs/promises";
import { formatFindings, readFindings, withAnnotation } from "./code-quality.ts";
import { jobSecrets } from "./gitlab-credentials.ts";
import { dotenvLine, withDotenvLine } from "./gitlab-dotenv.ts";
import { gitlabJob } from "./gitlab-job.ts";
import { createMask, guarded, sectionMarkers } from "./gitlab-log.ts";
import { createGroupedRenderer } from "./grouped-progress.ts";
import type { Environment, Platform, TextOutput } from "./platform.ts";
import { resultsFile } from "./results.ts";

/**
 * A job of GitLab. It keeps no page of its own: findings, outputs and the summary go into files below KUBEFILE_RESULTS,
 * which the job hands over as reports and artifacts.
 */
export function createGitLabPlatform(process: {
  readonly env: Environment;
  readonly cwd: string;
  readonly log: TextOutput;
  readonly signal: AbortSignal;
}): Platform {
  const { env, log } = process;
  const mask = createMask();
  for (const secret of jobSecrets(env)) mask.add(secret);
  const shown = guarded(log, mask);
  const writing = { job: gitlabJob(env), env, signal: process.signal };
  return {
    name: "gitlab",
    renderer: (now) =>
      createGroupedRenderer(
        shown,
        now,
        sectionMarkers(log, () => Math.floor(Date.now() / 1000)),
      ),
    guard: (output) => guarded(output, mask),
    annotate(annotation) {
      const report = resultsFile(process, "code-quality.json");
      if (report === undefined) return;
      writeFileSync(report, formatFindings(withAnnotation(readFindings(textOf(report)), annotation, process)));
    },
    mask: mask.add,
    async summary(markdown) {
      const page = resultsFile(process, "summary.md");
      if (page !== undefined) await appendFile(page, `${markdown.trimEnd()}\n`);
    },
    async output(name, value) {
      if (listed.includes(name)) return;
      const line = dotenvLine(name, value);
      const dotenv = resultsFile(process, "outputs.env");
      if (dotenv === undefined) return;
      const before = await readFile(dotenv, "utf8").catch(() => "");
      await writeFile(dotenv, withDotenvLine(before, line));
    },
    // What speaks to the API is large, and few jobs need it.
    stickyNote: async (key, markdown) =>
      await (await import("./gitlab-writing.ts")).writeStickyNote(writing, key, markdown),
    commitStatus: async (status) => await (await import("./gitlab-writing.ts")).setCommitStatus(writing, status),
    publishRelease: async (release) => {
      await (await import("./gitlab-writing.ts")).releaseOnGitLab(writing, release);
      return { state: "written" };
    },
  };
}

/** Outputs in JSON, which the form of a dotenv report cannot hold: later jobs read them from files. */
const listed = ["images", "metadata"];

function textOf(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return "";
  }
}
