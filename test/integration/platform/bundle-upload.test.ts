import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, expect, onTestFinished, test, vi } from "vitest";
import { uploadBundle } from "../../../src/platform/bundle-upload.ts";
import { failurePointers } from "../../../src/platform/failure-pointers.ts";
import { openHost } from "../../../src/platform/host.ts";
import { launchInputs } from "../../../src/platform/launch-inputs.ts";
import type { Annotation } from "../../../src/platform/platform.ts";
import { startArtifactServer } from "../../support/artifact-server.ts";
import { temporaryDirectories } from "../../support/temporary-directory.ts";
import { commandContext } from "../../unit/cli/command.ts";

const temporaryDirectory = temporaryDirectories();
const job = { verb: "verify", inputs: launchInputs, flags: {}, subject: "registry.example/shop:1" } as const;

// The library tells of its progress.
beforeEach(() => void vi.spyOn(process.stdout, "write").mockReturnValue(true));
afterEach(() => vi.restoreAllMocks());

async function failedRun(service: { readonly url: string; readonly token: string }) {
  const cwd = await temporaryDirectory();
  const env = {
    ...{ ACTIONS_RUNTIME_TOKEN: service.token, ACTIONS_RESULTS_URL: service.url, HOME: cwd },
    ...{ GITHUB_SERVER_URL: "https://github.com", GITHUB_REPOSITORY: "octocat/shop", GITHUB_RUN_ID: "41" },
  };
  const annotations: Annotation[] = [];
  const made = commandContext({ cwd, env });
  const annotate = (annotation: Annotation): void => void annotations.push(annotation);
  const context = { ...made, platform: { ...made.platform, annotate } };
  const host = await openHost(context, {});
  onTestFinished(() => host[Symbol.asyncDispose]());
  await mkdir(join(host.directories.failure, "logs"), { recursive: true });
  await writeFile(join(host.directories.failure, "events.json"), "[]\n");
  await writeFile(join(host.directories.failure, "logs", "shop.web-0.web.log"), "no database\n");
  const pointers = () =>
    failurePointers(context, host, job, (kept) => uploadBundle(context, kept, "kubefile-failure-1"));
  return { pointers, annotations };
}

test("what a failed run left is uploaded and linked, and its token is in no child's environment afterwards", async () => {
  const service = await startArtifactServer(77);
  onTestFinished(() => service.close());
  const { pointers, annotations } = await failedRun(service);
  expect(await pointers()).toEqual({
    bundle: "[kubefile-failure-1](https://github.com/octocat/shop/actions/runs/41/artifacts/77)",
    reproduce: expect.stringMatching(/^npx --yes kubefile-ci@\S+ verify registry\.example\/shop:1$/),
  });
  const archive = service.artifacts.get("kubefile-failure-1");
  for (const name of ["events.json", "logs/shop.web-0.web.log"]) expect(archive?.includes(name)).toBe(true);
  expect(process.env.ACTIONS_RUNTIME_TOKEN).toBeUndefined();
  expect(annotations).toEqual([]);
});

test("where nothing can be uploaded, the page still says how to see it again", async () => {
  const service = await startArtifactServer(77);
  onTestFinished(() => service.close());
  const { pointers, annotations } = await failedRun({ url: service.url, token: "no token" });
  expect(await pointers()).toEqual({ reproduce: expect.stringContaining(" verify registry.example/shop:1") });
  expect(annotations).toMatchObject([{ level: "warning", message: expect.stringContaining("are not kept: ") }]);
});
