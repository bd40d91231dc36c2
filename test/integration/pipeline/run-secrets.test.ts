import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import type { BuildSecrets } from "../../../src/pipeline/build-secrets.ts";
import { buildInProcess } from "../../support/build-in-process.ts";
import { temporaryDirectories } from "../../support/temporary-directory.ts";

const createDirectory = temporaryDirectories();
const canary = "canary-2b7e/1516";

const given = (values: Readonly<Record<string, string>>): BuildSecrets =>
  new Map(Object.entries(values).map(([id, value]) => [id, { kind: "value", reveal: () => Buffer.from(value) }]));

/** On this machine: how a container gets its secrets is for the end-to-end tests. */
async function build(secrets: BuildSecrets, ...lines: readonly string[]) {
  const directory = await createDirectory();
  const log: string[] = [];
  const built = await buildInProcess({
    directory,
    files: { Kubefile: ["FROM scratch", ...lines, "CMD true", ""].join("\n") },
    options: { secrets, reportFile: join(directory, "report.json") },
    onProgress: (event) => log.push(JSON.stringify(event)),
  }).catch((error: unknown) => ({ error }));
  const report = await readFile(join(directory, "report.json"), "utf8");
  return { built, log: log.join("\n"), report };
}

describe("a RUN on the machine itself", () => {
  test("has its secret in the variable it names, and the next RUN has not", async () => {
    const { built, log } = await build(
      given({ token: canary }),
      'RUN --mount=type=secret,id=token,env=TOKEN printf %s "$TOKEN" | wc -c >length; echo "in use: $TOKEN"',
      "RUN env | sort >later",
    );
    if ("error" in built) throw built.error;
    expect(built.readText("length").trim()).toBe(String(canary.length));
    expect(built.readText("later")).not.toContain("TOKEN");
    expect(log).toContain("in use: ***");
    expect(log).not.toContain(canary);
  });

  test("cannot have it as a file", async () => {
    const { built } = await build(given({ token: canary }), "RUN --mount=type=secret,id=token true");
    expect(built).toMatchObject({
      error: {
        code: "UNSUPPORTED",
        message: "with --run host the secret token cannot be a file",
        where: { line: 2, column: 5 },
      },
    });
  });

  test("ends the build when it puts the secret into the rootfs, in whatever form", async () => {
    const step = 'mkdir etc && printf "user:%s" "$TOKEN" | base64 >etc/auth && echo "$TOKEN" >token && echo ok >fine';
    const { built, log, report } = await build(
      given({ token: canary }),
      `RUN --mount=type=secret,id=token,env=TOKEN ${step}`,
    );
    expect(built).toMatchObject({
      error: {
        code: "SECRET_IN_ROOTFS",
        message: expect.stringMatching(/ has written a secret into "etc\/auth", "token"$/),
        where: { line: 2, column: 1 },
      },
    });
    expect(log + report).not.toContain(canary);
    expect(report).toContain("SECRET_IN_ROOTFS");
  });

  test("that fails shows what it said without the secret", async () => {
    const { built, report } = await build(
      given({ token: canary }),
      'RUN --mount=type=secret,id=token,env=TOKEN echo "refused: $TOKEN" >&2; exit 3',
    );
    expect(built).toMatchObject({ error: { code: "RUN_FAILED", message: expect.stringContaining("refused: ***") } });
    expect(report).not.toContain(canary);
  });
});

describe("secrets that were not given", () => {
  test("are named, with the place and what to do, when the step needs them", async () => {
    const secrets: BuildSecrets = new Map([["b", { kind: "absent", reason: "the variable B is not set" }]]);
    const mounts = ["a", "b"].map((id) => `--mount=type=secret,id=${id},env=${id.toUpperCase()},required=true`);
    const { built } = await build(secrets, `RUN ${mounts.join(" ")} true`);
    expect(built).toMatchObject({
      error: {
        code: "SECRET_MISSING",
        message: expect.stringMatching(
          /needs the secret a, which was not given\n.*needs the secret b, which was not given: the variable B is not set$/,
        ),
        hint: "give it with --secret id=a,src=FILE or --secret id=a,env=VARIABLE",
        where: { line: 2, column: 5 },
      },
    });
  });

  test("are left out when it does not, and one that nobody uses is told", async () => {
    const { built, log } = await build(
      given({ unused: canary }),
      'RUN --mount=type=secret,id=a,env=A echo "${A-none}" >a',
    );
    if ("error" in built) throw built.error;
    expect(built.readText("a")).toBe("none\n");
    expect(log).toContain("the secret unused is used by no step of Kubefile");
  });
});
