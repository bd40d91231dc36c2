import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { packageVersion } from "../../../src/platform/version.ts";
import { docker } from "../../support/docker.ts";
import { buildJobImage, jobContext, provideBase, type Releases, removeSteps, serveReleases } from "./job-image.ts";

const tag = "kubefile-job:test";
let directory: string;
let context: string;
let releases: Releases;
/** What the builder has told of its steps. */
let printed = "";
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "kubefile-job-image-"));
  await provideBase();
  context = await jobContext(directory);
  releases = await serveReleases(directory);
});
afterAll(async () => {
  await releases?.close();
  await rm(directory, { recursive: true, force: true });
  await docker("image", "rm", tag).catch(() => "");
  await removeSteps(printed);
});

test("the job image has what jobs call, each program of the version that its sum stands for", async () => {
  printed += await buildJobImage({ tag, context, arguments: releases.arguments });
  const programs = [
    ...["kubefile --version", "kind version", "kubectl version --client", "helm version --short"],
    ...["docker --version", "git --version", "jq --version", "curl --version", "node --version"],
  ];
  const said = await docker("run", "--rm", "--network", "none", tag, "sh", "-euc", programs.join("\n"));
  expect(said).toContain(`${packageVersion()}\n`);
  expect(said).toMatch(
    /kind v0\.33\.0 .*Client Version: v1\.34\.4.*v3\.19\.5.*Docker version.*git version.*jq-.*curl .*v24\./s,
  );
});

test("the job image is not built of a program that is not the one whose sum stands there", async () => {
  const kind = releases.arguments.map((each) => (each.startsWith("KIND_SHA256") ? `${each.slice(0, -4)}0000` : each));
  const failed = await buildJobImage({ tag: `${tag}-wrong`, context, arguments: kind }).catch(
    (error: unknown) => error,
  );
  expect(failed).toMatchObject({ stdout: expect.stringMatching(/^kind: FAILED$/m) });
  if (failed instanceof Error && "stdout" in failed) printed += String(failed.stdout);
});

test("the job image holds the package and the packages that it needs, and nothing of development", async () => {
  const modules = "/usr/local/lib/kubefile-ci/node_modules";
  const listing = await docker("run", "--rm", "--network", "none", tag, "sh", "-c", `ls ${modules} ${modules}/..`);
  expect(listing).toMatch(/^commander$/m);
  expect(listing).not.toMatch(/^(?:typescript|vitest|test|src|\.git)$/m);
});
