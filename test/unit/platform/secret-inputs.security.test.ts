import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeEach, describe, expect, test } from "vitest";
import type { KubefileError } from "../../../src/error.ts";
import { readSecrets, type SecretFlags } from "../../../src/platform/secret-inputs.ts";
import { temporaryDirectories } from "../../support/temporary-directory.ts";
import { commandContext } from "../cli/command.ts";

const createDirectory = temporaryDirectories();
let cwd: string;

beforeEach(async () => {
  cwd = await createDirectory();
  await Promise.all([
    writeFile(join(cwd, "token.txt"), "from-a-file\n"),
    writeFile(join(cwd, "large"), "x".repeat(500 * 1024 + 1)),
    mkdir(join(cwd, "directory")),
  ]);
});

async function read(flags: SecretFlags, env: Readonly<Record<string, string>> = {}): Promise<Record<string, string>> {
  const secrets = await readSecrets(flags, commandContext({ cwd, env: { TOKEN: "from-a-variable", ...env } }));
  expect(JSON.stringify([...secrets])).not.toContain("from-a");
  return Object.fromEntries(
    [...secrets].map(([id, secret]) => [
      id,
      secret.kind === "value" ? secret.reveal().toString() : `absent: ${secret.reason}`,
    ]),
  );
}

async function refusal(flags: SecretFlags): Promise<string> {
  const error: KubefileError = await read(flags).then(
    () => expect.fail("it was taken"),
    (thrown: KubefileError) => thrown,
  );
  expect(error.code).toBe("USAGE");
  return `${error.message} => ${error.hint}`;
}

describe("where a secret comes from", () => {
  test.each([
    ["id=a,src=token.txt", "from-a-file\n"],
    ["id=a,source=token.txt,type=file", "from-a-file\n"],
    ["id=a,env=TOKEN", "from-a-variable"],
    ["type=env,id=a,src=TOKEN", "from-a-variable"],
  ])("--secret %s", async (spec, value) => {
    expect(await read({ secret: [spec] })).toEqual({ a: value });
  });

  test("the id alone is the variable of that name, else the file", async () => {
    expect(await read({ secret: ["id=TOKEN", "id=token.txt"] })).toEqual({
      TOKEN: "from-a-variable",
      "token.txt": "from-a-file\n",
    });
  });

  test("jobs have values, of several lines in quotes, variables and files", async () => {
    const secrets = 'a=one=1\n\n  b=two "2"\n"c=-----BEGIN-----\nMII==\n""x"" \n-----END-----\n"\r\nd=four';
    expect(await read({ secrets, secretEnvs: ["e=TOKEN"], secretFiles: ["f=token.txt"] })).toEqual({
      a: "one=1",
      b: 'two "2"',
      c: '-----BEGIN-----\nMII==\n"x" \n-----END-----\n',
      d: "four",
      e: "from-a-variable",
      f: "from-a-file\n",
    });
  });

  test("what CI leaves empty for strangers is absent, and says why", async () => {
    expect(await read({ secret: ["id=a,env=NONE"], secrets: "b=", secretEnvs: ["c=NONE"] })).toEqual({
      a: "absent: the variable NONE is not set",
      b: "absent: secrets b is empty",
      c: "absent: the variable NONE is not set",
    });
  });

  test("a stranger's RUN gets none, whatever the job has", async () => {
    const fork = { CI_MERGE_REQUEST_SOURCE_PROJECT_PATH: "mallory/shop", CI_MERGE_REQUEST_PROJECT_PATH: "acme/shop" };
    expect(await read({ secret: ["id=a,env=TOKEN"], secrets: "b=from-a-job" }, fork)).toEqual({
      a: "absent: what RUN does may be of a merge request from the fork mallory/shop",
      b: "absent: what RUN does may be of a merge request from the fork mallory/shop",
    });
  });
});

describe("what is refused, and never shows what may be a secret", () => {
  const form = "write --secret id=NAME,src=FILE or --secret id=NAME,env=VARIABLE";
  const ids = "without an id of letters, digits, dots, dashes and underscores";
  test.each<[SecretFlags, string]>([
    [{ secret: ["canary-value"] }, `--secret is not understood => ${form}`],
    [{ secret: ["token=canary-value"] }, `--secret is not understood => ${form}`],
    [{ secret: ["src=token.txt"] }, `--secret has a secret ${ids} => ${form}`],
    [{ secret: ["id=a,src=token.txt,env=TOKEN"] }, `--secret id=a names a file and a variable => ${form}`],
    [{ secret: ["id=a,type=canary"] }, `--secret id=a: the type is neither file nor env => ${form}`],
    [{ secret: ["id=a,env=TOKEN", "id=a,src=token.txt"] }, "two secrets have the id a => give one another id"],
    [
      { secrets: "canary value" },
      `secrets has a secret ${ids} => write NAME=VALUE, one a line, in double quotes where it has several: "NAME=VALUE"`,
    ],
    [{ secretEnvs: ["canary value"] }, `secret-envs has a secret ${ids} => write NAME=VARIABLE, one a line`],
    [{ secrets: "a=x1 " }, "secrets a is shorter than 4 characters => nothing could keep it out of logs and layers"],
    [
      { secretFiles: ["a=large"] },
      "secret-files a is longer than 512000 bytes => fetch large files with RUN, and the credential for it",
    ],
  ])("%j", async (flags, message) => {
    expect(await refusal(flags)).toBe(message);
  });

  test.each(["none", "directory"])("the file %s", async (name) => {
    expect(await refusal({ secret: [`id=a,src=${name}`] })).toMatch(
      /^--secret id=a: .*(?:cannot be read: ENOENT|is not a file).* => name a file that holds the secret$/s,
    );
  });
});
