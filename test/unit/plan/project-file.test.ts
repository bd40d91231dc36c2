import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { errorMessage, formatLocation, KubefileError } from "../../../src/error.ts";
import { loadProjectFile, type ProjectFile, parseProjectFile } from "../../../src/plan/project-file.ts";

let directory: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), "kubefile-project-"));
});
afterAll(() => rmSync(directory, { recursive: true }));

const everything: Required<ProjectFile> = {
  file: "deploy/Kubefile",
  tag: ["registry.example/shop:1.0", "registry.example/shop:latest"],
  push: true,
  output: ["type=oci,dest=shop.tar"],
  platform: ["linux/amd64", "linux/arm/v7"],
  buildArg: { VERSION: "1.20" },
  label: { "com.example.team": "shop" },
  annotation: { "org.opencontainers.image.title": "Shop" },
  buildImage: ["ref=registry.example/web:dev,context=web"],
  builder: "kaniko",
  kanikoImage: "registry.example/kaniko:1",
  baseRegistry: "registry.example/bases",
  capture: "cluster",
  wait: "pulled",
  quietWindow: "1m30s",
  timeout: "10m",
  include: ["quay.io/shop/debug:1"],
  exclude: ["*/test-*"],
  launchNetwork: false,
  nodeImage: "kindest/node:v1.34.4",
  kindConfig: "kind.yaml",
  defaultCni: false,
  run: "container",
  lock: true,
  locked: false,
  runImage: "registry.example/tools:1",
  cacheFrom: ["type=registry,ref=registry.example/cache", "type=local,src=cache"],
  cacheTo: ["type=gha"],
  pull: "never",
  noCache: false,
  noCacheFilter: ["RUN"],
  mirror: { "docker.io": "https://mirror.example" },
  insecure: ["localhost:5000"],
  progress: "plain",
};

test("every key is read as it was written", async () => {
  const path = join(directory, "kubefile.yaml");
  writeFileSync(path, JSON.stringify(everything, null, 2));
  expect(await loadProjectFile(path)).toEqual(everything);
});

test("schema and type have the same keys", () => {
  const schema = JSON.parse(readFileSync(new URL("../../../schemas/kubefile.schema.json", import.meta.url), "utf8"));
  expect(Object.keys(schema.properties).sort()).toEqual(Object.keys(everything).sort());
  expect(Object.values<{ description?: string }>(schema.properties).every(({ description }) => description)).toBe(true);
});

test("the documentation lists each key", () => {
  const page = readFileSync(new URL("../../../docs/kubefile-yaml.md", import.meta.url), "utf8");
  expect([...page.matchAll(/^\| `(\w+)` \|/gm)].map(([, key]) => key)).toEqual(Object.keys(everything));
});

test("no file, and a file that says nothing", async () => {
  expect(await loadProjectFile(join(directory, "none.yaml"))).toBeUndefined();
  for (const text of ["", "# later\n", "{}\n"]) expect(await parseProjectFile(text, "kubefile.yaml")).toEqual({});
});

test("a directory in its place is named", async () => {
  await expect(loadProjectFile(directory)).rejects.toMatchObject({ code: "PROJECT_FILE_INVALID" });
});

const invalid: readonly { name: string; text: string; expected: readonly string[] }[] = [
  {
    name: "an unknown key with a near one",
    text: "tags: [a]\n",
    expected: ['1:1 there is no key "tags" => did you mean "tag"?'],
  },
  {
    name: "an unknown key with none near",
    text: "push: true\ndeployment: 1\n",
    expected: ['2:1 there is no key "deployment" => docs/kubefile-yaml.md lists all keys'],
  },
  {
    name: "a flag's name instead of the key",
    text: "build-arg:\n  A: b\n",
    expected: ['1:1 there is no key "build-arg" => did you mean "buildArg"?'],
  },
  {
    name: "text for a truth value",
    text: "push: yes\n",
    expected: ['1:7 push must be true or false, not "yes" => write true or false, without quotes'],
  },
  {
    name: "one name instead of a list",
    text: "tag: shop:1\n",
    expected: ['1:6 tag must be a list, not "shop:1" => write tag: ["shop:1"]'],
  },
  {
    name: "a number in a list of names",
    text: "tag:\n  - shop\n  - 12\n",
    expected: ['3:5 tag[1] must be text, not 12 => put it in quotes: "12"'],
  },
  {
    name: "an empty name in a list",
    text: 'include: [""]\n',
    expected: ["1:11 include[0] is empty => give it a value, or remove it"],
  },
  {
    name: "a number for a build argument",
    text: "buildArg:\n  VERSION: 1.20\n",
    expected: ['2:12 buildArg.VERSION must be text, not 1.2 => put it in quotes: "1.20"'],
  },
  {
    name: "a build argument that no shell can read",
    text: "buildArg:\n  my-version: a\n",
    expected: ['2:3 "my-version" is not the name of a variable => use letters, digits and underscores'],
  },
  {
    name: "a list of build arguments",
    text: "buildArg: [A=b]\n",
    expected: [
      '1:11 buildArg must be a map of names to values, not ["A=b"] => write NAME: VALUE on lines of their own below buildArg:',
    ],
  },
  { name: "a misspelt choice", text: "wait: redy\n", expected: ['1:7 wait cannot be "redy" => did you mean "ready"?'] },
  {
    name: "an unknown choice",
    text: "capture: true\n",
    expected: ["1:10 capture cannot be true => write cluster or static"],
  },
  {
    name: "a time without a unit",
    text: "timeout: 10\n",
    expected: ["1:10 timeout must be text, not 10 => write a time such as 20s, 10m or 1h30m"],
  },
  {
    name: "a time with a strange unit",
    text: "quietWindow: 3 days\n",
    expected: ['1:14 quietWindow cannot be "3 days" => write a time such as 20s, 10m or 1h30m'],
  },
  {
    name: "an output of another type",
    text: "output: [type=docker]\n",
    expected: ['1:10 output[0] cannot be "type=docker" => write type=oci,dest=FILE'],
  },
  {
    name: "a mirror without a scheme",
    text: "mirror:\n  docker.io: mirror.example\n",
    expected: [
      '2:14 mirror.docker.io cannot be "mirror.example" => write an address that starts with https:// or http://',
    ],
  },
  {
    name: "a list instead of keys",
    text: "- push\n",
    expected: ['1:1 the file must be a map of names to values, not ["push"] => write KEY: VALUE, one a line'],
  },
  {
    name: "a key written twice",
    text: "push: true\npush: false\n",
    expected: ["2:1 the key is there already => keep one of the two"],
  },
  {
    name: "a quote that is never closed",
    text: 'file: "Kubefile\n',
    expected: ['2:1 not YAML: Missing closing "quote => check the indentation and the quotes'],
  },
  {
    name: "two documents",
    text: "push: true\n---\npush: false\n",
    expected: ["2:1 a second document begins here => keep one, and remove the ---"],
  },
  {
    name: "several problems at once",
    text: "pushh: true\nwait: later\nmirror:\n  docker.io: 5\n",
    expected: [
      '1:1 there is no key "pushh" => did you mean "push"?',
      '2:7 wait cannot be "later" => write ready or pulled',
      '4:14 mirror.docker.io must be text, not 5 => put it in quotes: "5"',
    ],
  },
];

test.each(invalid)("$name", async ({ text, expected }) => {
  const error = await parseProjectFile(text, "kubefile.yaml").catch((caught: unknown) => caught);
  if (!(error instanceof KubefileError)) throw new Error(`not refused: ${errorMessage(error)}`);
  expect(error.code).toBe("PROJECT_FILE_INVALID");
  expect(problemsOf(error)).toEqual(expected);
});

test("no text makes it fail in another way", async () => {
  await fc.assert(
    fc.asyncProperty(fc.string({ unit: fc.constantFrom(..."ab:-[]{}&*!|>'\"%@#\n \t,?1") }), async (text) => {
      const error = await parseProjectFile(text, "kubefile.yaml").catch((caught: unknown) => caught);
      if (error instanceof Error) expect(error).toMatchObject({ code: "PROJECT_FILE_INVALID" });
    }),
  );
});

/** `line:column message => hint` for each problem of the one error. */
function problemsOf(error: KubefileError): readonly string[] {
  const [head = "", ...lines] = error.message.split("\n");
  if (lines.length === 0 && error.where !== undefined) {
    return [`${formatLocation(error.where).replace("kubefile.yaml:", "")} ${head} => ${error.hint}`];
  }
  return lines.map((line) =>
    line
      .replace("kubefile.yaml:", "")
      .replace(": ", " ")
      .replace(/ \((.*)\)$/, " => $1"),
  );
}
