import { execFileSync } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { type BuildFlags, buildInputs } from "../../../src/platform/build-inputs.ts";
import { buildInJob } from "../../../src/platform/build-job.ts";
import { detectPlatform } from "../../../src/platform/detect.ts";
import { launchInputs } from "../../../src/platform/launch-inputs.ts";
import { previewInputs } from "../../../src/platform/preview-inputs.ts";
import { reproduceCommand } from "../../../src/platform/reproduce.ts";
import { temporaryDirectories } from "../../support/temporary-directory.ts";
import { commandContext } from "../cli/command.ts";

const temporaryDirectory = temporaryDirectories();

/** A job of GitHub Actions that builds `kubefile` from files alone. */
async function job(kubefile: string) {
  const cwd = await temporaryDirectory();
  await writeFile(join(cwd, "Kubefile"), kubefile);
  const file = (name: string): string => join(cwd, "..", `${cwd.split("/").at(-1)}-${name}`);
  const env = { GITHUB_OUTPUT: join(cwd, "output"), GITHUB_STEP_SUMMARY: join(cwd, "summary"), GITHUB_ACTIONS: "true" };
  const log = { write: () => undefined };
  const { signal } = new AbortController();
  const platform = detectPlatform({ env, cwd, log, signal });
  const context = { ...commandContext({ cwd, env }), platform };
  const run = (tag: readonly string[]) =>
    buildInJob(context, { directory: ".", asked: { capture: "static", tag, buildArg: ["A=it's"], report: file("r") } });
  const read = (name: "output" | "summary"): Promise<string> => readFile(join(cwd, name), "utf8").catch(() => "");
  return { run, read };
}

test("a build hands on its digest, names and images, and leaves a page", async () => {
  const { run, read } = await job("FROM scratch\nCMD kubectl version\n");
  const metadata = await run(["registry.example:5000/shop:1"]);
  const outputs = new Map(
    [...(await read("output")).matchAll(/^([a-z-]+)<<(\S+)\n(.*?)\n\2$/gms)].map(([, name, , value]) => [name, value]),
  );
  expect(Object.fromEntries(outputs)).toEqual({
    digest: metadata["containerimage.digest"],
    reference: `registry.example:5000/shop@${metadata["containerimage.digest"]}`,
    images: "[]",
    grade: "static",
    "cache-hit": "false",
    metadata: expect.stringContaining(`"containerimage.digest":"${metadata["containerimage.digest"]}"`),
  });
  expect(await read("summary")).toContain("### ⚠️ static");
});

test("a build without a name is its digest", async () => {
  const { run, read } = await job("FROM scratch\nCMD kubectl version\n");
  const metadata = await run([]);
  expect(await read("output")).toMatch(
    new RegExp(`^reference<<(\\S+)\n${metadata["containerimage.digest"]}\n\\1$`, "m"),
  );
});

test("a failure leaves a page with the way to see it again, and no values", async () => {
  const { run, read } = await job("FROM scratch\nCOPPY a b\n");
  await expect(run([])).rejects.toMatchObject({ code: "KUBEFILE_INVALID" });
  expect(await read("output")).toBe("");
  const page = await read("summary");
  expect(page).toContain("### ❌ `Kubefile` was not built");
  expect(page).toMatch(/^npx --yes kubefile-ci@\S+ build --build-arg 'A=it'\\''s' --capture static \.$/m);
});

describe("the line that does the same", () => {
  const context = { env: { GITHUB_WORKSPACE: "/work", GITHUB_SHA: "a".repeat(40) }, cwd: "/work/x" };
  const ofBuild = { verb: "build", inputs: buildInputs } as const;

  test("of a proof needs no commit, unless files of it take part", () => {
    const subject = `registry.example/shop@sha256:${"0".repeat(64)}`;
    const job = { verb: "verify", inputs: launchInputs, subject } as const;
    expect(reproduceCommand({ ...job, flags: { app: ["web"] } }, context)).toMatch(
      /^npx --yes kubefile-ci@\S+ verify --app web registry\.example\/shop@sha256:0{64}$/,
    );
    expect(reproduceCommand({ ...job, flags: { values: ["web=values.yaml"] } }, context)).toMatch(
      /^git fetch origin a{40} && git checkout FETCH_HEAD && npx \S+ \S+ verify --values web=values\.yaml /,
    );
  });

  test("of a preview has its test, and nothing of where it was told and kept", () => {
    const flags = { test: "./smoke.sh", portForward: ["svc/web:80"], verdict: "v", comment: "c", key: "k", keep: true };
    const job = { verb: "preview", inputs: previewInputs, flags, subject: "/work" } as const;
    expect(reproduceCommand(job, context)).toMatch(/ preview --test \.\/smoke\.sh --port-forward svc\/web:80 \.$/);
  });

  test("takes the commit and the flags, not what was for others", () => {
    const flags: BuildFlags = {
      tag: ["shop:1"],
      push: true,
      output: ["type=oci,dest=a"],
      report: "r",
      store: "/s",
      progress: "plain",
      quietWindow: 5_000,
      defaultCni: false,
      launchNetwork: true,
      keepCluster: false,
    };
    expect(reproduceCommand({ ...ofBuild, flags, subject: "/work/examples/shop" }, context)).toMatch(
      /^git fetch origin a{40} && git checkout FETCH_HEAD && npx --yes kubefile-ci@\S+ build --tag shop:1 --launch-network --no-default-cni --quiet-window 5s examples\/shop$/,
    );
    const secret = { secrets: "token=canary-7f3a", secretEnvs: ["npm=CANARY"], secret: ["id=a,src=/canary"] };
    const job = { ...ofBuild, flags: secret, subject: "/work", secrets: ["a", "npm", "token"] };
    expect(reproduceCommand(job, { env: {}, cwd: "/work" })).toMatch(
      / build --secret id=a --secret id=npm --secret id=token \.$/,
    );
    expect(reproduceCommand({ ...ofBuild, flags: {}, subject: "/work" }, { env: {}, cwd: "/work" })).toMatch(
      / build \.$/,
    );
  });

  test("gives a shell the words as they were", () => {
    const hostile = ["A=$(touch /tmp/x)", "B=`id`; 'c' \"d\" \\ \n e", "C=*?[a]~ #"];
    const job = { ...ofBuild, flags: { buildArg: hostile }, subject: "/work/-a b" };
    const line = reproduceCommand(job, { env: {}, cwd: "/work" });
    const printed = execFileSync("sh", ["-c", `npx() { printf '%s\\0' "$@"; }; ${line}`], { encoding: "utf8" });
    const words = printed.split("\0").slice(3, -1);
    expect(words).toEqual([...hostile.flatMap((each) => ["--build-arg", each]), "./-a b"]);
  });
});
