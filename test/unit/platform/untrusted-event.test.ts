import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { untrustedEvent } from "../../../src/platform/untrusted-event.ts";

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "kubefile-event-"));
});
afterAll(async () => rm(directory, { recursive: true, force: true }));

async function github(event: string, payload: unknown): Promise<string | undefined> {
  const path = join(directory, "event.json");
  await writeFile(path, JSON.stringify(payload));
  return untrustedEvent({ GITHUB_EVENT_NAME: event, GITHUB_EVENT_PATH: path, GITHUB_REPOSITORY: "acme/shop" });
}

const pull = (name: string | null): unknown => ({
  pull_request: { head: { repo: name === null ? null : { full_name: name } } },
});

describe("untrustedEvent", () => {
  it("trusts a machine without CI, pushes, and a project's own branches", async () => {
    expect(await untrustedEvent({})).toBeUndefined();
    expect(await github("push", {})).toBeUndefined();
    expect(await github("pull_request", pull("acme/shop"))).toBeUndefined();
    const own = { CI_MERGE_REQUEST_SOURCE_PROJECT_PATH: "acme/shop", CI_MERGE_REQUEST_PROJECT_PATH: "acme/shop" };
    expect(await untrustedEvent(own)).toBeUndefined();
  });

  it.each([
    ["pull_request", pull("mallory/shop"), "a pull request from the fork mallory/shop"],
    ["pull_request_target", pull("mallory/shop"), "a pull request from the fork mallory/shop"],
    ["pull_request", pull(null), "an event of the kind pull_request"],
    [
      "workflow_run",
      { workflow_run: { head_repository: { full_name: "mallory/shop" } } },
      "a pull request from the fork mallory/shop",
    ],
    ["issue_comment", {}, "an event of the kind issue_comment"],
  ])("does not trust %s %j", async (event, payload, reason) => {
    expect(await github(event, payload)).toBe(reason);
  });

  it("does not trust an event it cannot read", async () => {
    const env = { GITHUB_EVENT_NAME: "pull_request", GITHUB_EVENT_PATH: join(directory, "missing.json") };
    expect(await untrustedEvent(env)).toBe("an event of the kind pull_request");
  });

  it("does not trust a merge request from a fork", async () => {
    const env = { CI_MERGE_REQUEST_SOURCE_PROJECT_PATH: "mallory/shop", CI_MERGE_REQUEST_PROJECT_PATH: "acme/shop" };
    expect(await untrustedEvent(env)).toBe("a merge request from the fork mallory/shop");
  });
});
