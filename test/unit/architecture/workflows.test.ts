import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it, test } from "vitest";
import { parse } from "yaml";
import { rewriteWorkflow } from "../../../src/platform/workflow-inputs.ts";
import { type WorkflowJob, type WorkflowStep, workflows } from "../../support/workflow-files.ts";
import { parserFindings } from "../../support/workflow-parser.ts";

/** All that each job may do. Whoever adds to it has to say so here. */
const permissions: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  "build-on-merge.yml build": { contents: "read", packages: "write" },
  "build-on-merge.yml verify": { packages: "read" },
  "build-on-merge.yml promote": { contents: "read", packages: "write" },
  "release.yml find": { packages: "read" },
  "release.yml build": { contents: "read", packages: "write" },
  "release.yml verify": { packages: "read" },
  "release.yml promote": { packages: "write" },
  "release.yml release": { contents: "write", packages: "read" },
  "pr-preview.yml preview": { contents: "read", packages: "read", "pull-requests": "write" },
  "pr-preview-comment.yml comment": { actions: "read", "pull-requests": "write" },
  "clean.yml clean": { packages: "write" },
  "publish.yml images": { contents: "read", packages: "write" },
  "publish.yml publish": { contents: "write", "id-token": "write" },
  "ci.yml test": { contents: "read" },
  "dist.yml compare": { contents: "read" },
};

/** A run that a newer one of the same pull request makes needless. All others publish, and end what they began. */
const cancelled = ["ci.yml", "pr-preview.yml", "pr-preview-comment.yml"];

const own = "kubefile-ci/kubefile-ci";
const root = new URL("../../../", import.meta.url);

describe.each(workflows)(".github/workflows/$name", (workflow) => {
  const { name, text, on, concurrency, jobs } = workflow;
  const steps = Object.values(jobs).flatMap((job): readonly WorkflowStep[] => job.steps ?? []);

  it("is a workflow to GitHub's own parser", async () => {
    expect(await parserFindings(name, text)).toEqual([]);
  });

  it("has the inputs of its verbs, as `npm run inputs` writes them", () => {
    expect(rewriteWorkflow(text)).toBe(text);
  });

  it("lets each job do what it needs, and nothing else", () => {
    expect(workflow.permissions).toEqual({});
    for (const [job, { permissions: allowed }] of Object.entries(jobs)) {
      expect([job, allowed]).toEqual([job, permissions[`${name} ${job}`]]);
    }
  });

  it("gives no job more time than it needs", () => {
    for (const [job, { "timeout-minutes": minutes }] of Object.entries(jobs)) {
      expect([job, minutes]).toEqual([job, expect.any(Number)]);
    }
  });

  it("cancels runs of old pull requests, and nothing that publishes", () => {
    expect(concurrency?.group).toMatch(/\$\{\{/);
    expect(concurrency?.["cancel-in-progress"] === false).toBe(!cancelled.includes(name));
  });

  it("never runs with a repository's rights what a stranger wrote", () => {
    expect(Object.keys(on)).not.toContain("pull_request_target");
    const checksOut = steps.some(({ uses = "" }) => uses.startsWith("actions/checkout@"));
    if (/\bworkflow_run\b/.test(text)) expect(checksOut).toBe(false);
  });

  it("keeps its token from the files that it checks out", () => {
    for (const { uses = "", with: values } of steps) {
      if (uses.startsWith("actions/checkout@")) expect(values?.["persist-credentials"]).toBe(false);
    }
  });

  it("pins every action to a commit, and names the version of those of others", () => {
    const lines = [...text.matchAll(/^ *(?:- )?uses: (.*)$/gm)].map(([, action = ""]) => action);
    expect(lines).toHaveLength(steps.filter(({ uses }) => uses !== undefined).length);
    for (const line of lines) {
      expect(line).toMatch(
        line.startsWith(own) ? /^[\w/.-]+@[0-9a-f]{40}$/ : /^[\w-]+\/[\w/.-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/,
      );
    }
  });

  it("hands no expression to a shell, which would take what stands in it for commands", () => {
    for (const { run = "" } of steps) expect(run).not.toContain("${{");
  });
});

test("GitHub's own parser would find an input that is not there, and a mistake in an expression", async () => {
  const uses = "kubefile-ci/kubefile-ci/.github/workflows/clean.yml@v0";
  const job = (more: object) => JSON.stringify({ on: "push", jobs: { image: { uses, ...more } } });
  expect(await parserFindings("good.yml", job({ with: { "dry-run": true } }))).toEqual([]);
  expect(await parserFindings("bad.yml", job({ with: { "dry-runs": true } }))).not.toEqual([]);
  expect(await parserFindings("bad.yml", job({ with: { "dry-run": "${{ nothing.here }}" } }))).not.toEqual([]);
});

test("docs/github.md has every input that a workflow does not take from a verb", () => {
  const page = readFileSync(new URL("docs/github.md", root), "utf8");
  for (const { text } of workflows.filter(({ on }) => "workflow_call" in on)) {
    const own = text.replace(/^ *# Inputs of .*?# End of inputs\n/ms, "");
    const inputs: Readonly<Record<string, unknown>> = parse(own).on.workflow_call.inputs;
    for (const name of Object.keys(inputs)) expect(page).toContain(`| \`${name}\` |`);
  }
});

test("our actions are all of one commit: that of a release, or none yet", () => {
  const commits = workflows.flatMap(({ text }) => [...text.matchAll(/kubefile-ci\/kubefile-ci[\w/]*@(\w+)/g)]);
  expect(new Set(commits.map(([, commit]) => commit)).size).toBe(1);
});

test("no permission is listed for a job that is not there", () => {
  const jobs = workflows.flatMap(({ name, jobs }) => Object.keys(jobs).map((job) => `${name} ${job}`));
  expect(Object.keys(permissions).sort()).toEqual(jobs.sort());
});

/** Workflows that pages show for teams to copy. */
const pages = [
  "README.md",
  ...readdirSync(new URL("docs/", root)).map((name) => `docs/${name}`),
  ...readdirSync(new URL("actions/", root)).map((name) => `actions/${name}/README.md`),
].filter((page) => page.endsWith(".md"));
const shown = pages.flatMap((page) =>
  [...readFileSync(new URL(page, root), "utf8").matchAll(/^```yaml\n(.*?)^```/gms)]
    .map(([, text = ""]) => ({ page, text }))
    .filter(({ text }) => /^jobs:/m.test(text) && /^on:/m.test(text)),
);

describe.each(shown)("a workflow in $page", ({ page, text }) => {
  it("is one to GitHub's own parser, with inputs and secrets that ours have", async () => {
    expect(await parserFindings(page, text)).toEqual([]);
  });

  it("grants what the workflow that it calls needs", () => {
    const jobs: Readonly<Record<string, WorkflowJob & { readonly uses?: string }>> = parse(text).jobs;
    for (const { uses, permissions: granted } of Object.values(jobs)) {
      const [, name] = /^kubefile-ci\/kubefile-ci\/\.github\/workflows\/([\w.-]+)@v0$/.exec(uses ?? "") ?? [];
      if (name === undefined) continue;
      const needed = Object.entries(permissions).filter(([job]) => job.startsWith(`${name} `));
      const most: Record<string, string> = {};
      for (const [scope, level] of needed.flatMap(([, each]) => Object.entries(each))) {
        if (most[scope] !== "write") most[scope] = level;
      }
      expect(needed.length).toBeGreaterThan(0);
      expect(granted).toEqual(most);
    }
  });
});
