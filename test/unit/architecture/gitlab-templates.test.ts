import { execFile } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { describe, expect, it, test } from "vitest";
import { parseAllDocuments } from "yaml";
import { componentInputs } from "../../../src/platform/component-inputs.ts";
import { componentInputsPage } from "../../../src/platform/component-inputs-page.ts";
import { packageVersion } from "../../../src/platform/version.ts";

const directory = new URL("../../../gitlab-templates/", import.meta.url);

interface Template {
  readonly name: string;
  readonly text: string;
  readonly inputs: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  readonly jobs: Readonly<Record<string, Job>>;
  /** Below the header. */
  readonly body: string;
}

interface Job {
  readonly extends?: string | readonly string[];
  readonly variables?: Readonly<Record<string, unknown>>;
  readonly script?: readonly string[];
  readonly before_script?: readonly string[];
  readonly after_script?: readonly string[];
}

const templates = readdirSync(directory).map((name): Template => {
  const text = readFileSync(new URL(name, directory), "utf8");
  const [header, jobs] = parseAllDocuments(text, { merge: true }).map((document) => document.toJS());
  return { name, text, inputs: header.spec.inputs, jobs, body: text.slice(text.indexOf("\n---\n")) };
});

const hasAny = (value: unknown): boolean => Array.isArray(value) && value.length > 0;

/** The tables that a template has inputs of. */
const tablesOf = ({ text }: Template): string[] => [
  ...new Set([...text.matchAll(/# (?:Inputs|Variables) of `kubefile (\w+)`/g)].map(([, table = ""]) => table)),
];

describe.each(templates)("gitlab-templates/$name", (template) => {
  const { inputs, jobs, body } = template;
  const used = new Set([...body.matchAll(/\$\[\[ inputs\.([a-z-]+) \]\]/g)].map(([, name = ""]) => name));

  it("declares what it uses, and uses what it declares", () => {
    expect([...used].sort()).toEqual(Object.keys(inputs).sort());
    expect([...body.matchAll(/\$\[\[/g)]).toHaveLength([...body.matchAll(/\$\[\[ inputs\.[a-z-]+ \]\]/g)].length);
  });

  it("describes each input in one sentence, and says of what type it is", () => {
    for (const [name, { type, description }] of Object.entries(inputs)) {
      expect([name, type]).toEqual([name, expect.stringMatching(/^(?:string|boolean|array)$/)]);
      expect([name, description]).toEqual([name, expect.stringMatching(/^[A-Z][^\n]*\.$/)]);
    }
  });

  test.each(tablesOf(template))(
    "has the inputs of `kubefile %s`, as scripts/write-gitlab-inputs.mjs writes them",
    (table) => {
      for (const { name, spec, variable, value } of componentInputs(table)) {
        expect([name, inputs[name]]).toEqual([name, spec]);
        const handed = Object.values(jobs).flatMap(({ variables }) => variables?.[variable] ?? []);
        expect([variable, ...new Set(handed)]).toEqual([variable, value]);
      }
    },
  );

  it("hands no input to a shell, which would take what stands in it for commands", () => {
    for (const { script = [], before_script = [], after_script = [] } of Object.values(jobs)) {
      expect([...before_script, ...script, ...after_script].filter((line) => line.includes("$[["))).toEqual([]);
    }
  });

  it("begins the names of all its jobs with the prefix, so that it can be included twice", () => {
    const strange = Object.keys(jobs).filter((name) => !/^\.?\$\[\[ inputs\.job-prefix \]\]-/.test(name));
    expect(strange).toEqual([]);
  });

  // What GitLab refuses of a pipeline, though its published schema allows it: lib/gitlab/ci/config/entry/{hidden,rules}.rb
  // and lib/gitlab/ci/pipeline/chain/populate.rb.
  it("leaves no job empty, no list of rules, and no pipeline with stages alone that do not count", () => {
    expect(Object.entries(jobs).filter(([, job]) => Object.keys(job).length === 0)).toEqual([]);
    expect(
      Object.entries(inputs).filter(([name, { default: rules }]) => /rules$/.test(name) && !hasAny(rules)),
    ).toEqual([]);
    expect(inputs.stage?.default).toMatch(/^(?:build|test|deploy)$/);
  });

  it("has the job image of this version", () => {
    if (inputs.image !== undefined) expect(inputs.image.default).toBe(`ghcr.io/kubefile-ci/job:${packageVersion()}`);
  });
});

test("an engine beside a job is the same in all templates", () => {
  const engines = templates.flatMap(
    ({ body }) => /^".*-docker":\n.*?-shell-engine-false": [^\n]*\n/ms.exec(body)?.[0] ?? [],
  );
  expect(engines.length).toBeGreaterThan(1);
  expect(new Set(engines).size).toBe(1);
});

test("docs/gitlab-inputs.md has every input of every component, as scripts/write-gitlab-inputs.mjs writes it", () => {
  const components = templates.map(({ name, text }) => {
    const [header] = parseAllDocuments(text);
    return { name, about: text.split("\n")[0]?.slice(2) ?? "", inputs: header?.toJS().spec.inputs };
  });
  const page = readFileSync(new URL("../../../docs/gitlab-inputs.md", import.meta.url), "utf8");
  expect(page).toBe(componentInputsPage(components));
});

test("the catalogue's templates are ours, with the job image that a release names", async () => {
  const target = await mkdtemp(join(tmpdir(), "kubefile-catalogue-"));
  try {
    const image = `registry.example/kubefile/job@sha256:${"a".repeat(64)}`;
    const script = fileURLToPath(new URL("../../../scripts/gitlab-catalogue", import.meta.url));
    await promisify(execFile)(script, [target], { env: { PATH: process.env.PATH ?? "", JOB_IMAGE: image } });
    expect(readdirSync(join(target, "templates")).sort()).toEqual(templates.map(({ name }) => name).sort());
    for (const { name, text, inputs } of templates) {
      const written = readFileSync(join(target, "templates", name), "utf8");
      const own = `      default: ${String(inputs.image?.default)}\n`;
      expect(written).toBe(text.replace(own, `      default: ${image}\n`));
      expect([name, written.includes(image)]).toEqual([name, inputs.image !== undefined]);
    }
  } finally {
    await rm(target, { recursive: true });
  }
});
