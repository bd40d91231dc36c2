import { afterEach, beforeEach, expect, test } from "vitest";
import { setGitHubStatus, writeStickyComment } from "../../../src/platform/github-writing.ts";
import { noteBody } from "../../../src/platform/sticky-note.ts";
import { type FakeGitHub, startFakeGitHub } from "../../support/github-comments.ts";

const bot = { id: 41_898_282, type: "Bot" } as const;
const person = { id: 7, type: "User" } as const;
let github: FakeGitHub;
let env: Record<string, string>;

beforeEach(async () => {
  github = await startFakeGitHub();
  env = {
    ...{ GITHUB_ACTIONS: "true", GITHUB_API_URL: github.url, GITHUB_REPOSITORY: "shop/app", GITHUB_TOKEN: "ghs_token" },
    ...{ GITHUB_REF: "refs/pull/12/merge", GITHUB_SHA: "0123456789abcdef0123456789abcdef01234567" },
  };
});
afterEach(() => github.stop());

const write = (markdown: string, key = "preview") =>
  writeStickyComment({ env, signal: new AbortController().signal }, key, markdown);

test("writes one comment, and brings it up to date", async () => {
  expect(await write("first")).toEqual({ state: "written", url: "https://github.example/12#1000" });
  await write("second");
  await write("other", "lint");
  expect(github.comments.map(({ body }) => body)).toEqual([noteBody("preview", "second"), noteBody("lint", "other")]);
  expect(github.log.filter((line) => line.startsWith("PATCH"))).toHaveLength(1);
});

test("finds its comment on the second page, and leaves those of people alone", async () => {
  const body = noteBody("preview", "mine");
  for (let id = 1; id <= 120; id += 1) github.comments.push({ id, body: "hello", user: person });
  github.comments[3] = { id: 4, body, user: person };
  github.comments[110] = { id: 111, body, user: bot };
  await write("new");
  expect(github.comments).toHaveLength(120);
  expect([github.comments[3]?.body, github.comments[110]?.body]).toEqual([body, noteBody("preview", "new")]);
});

test("two jobs that write the first at once leave one comment", async () => {
  github.beforeCreate = () => {
    github.beforeCreate = () => undefined;
    github.comments.push({ id: 999, body: noteBody("preview", "theirs"), user: bot });
  };
  await write("ours");
  expect(github.comments.map(({ id, body }) => [id, body])).toEqual([[999, noteBody("preview", "ours")]]);
});

test("finds its comment behind a page that hidden ones have made shorter", async () => {
  for (let id = 1; id <= 100; id += 1) github.comments.push({ id, body: "hello", user: person });
  github.comments.push({ id: 101, body: noteBody("preview", "mine"), user: bot });
  github.hidden.add(50);
  await write("new");
  expect(github.comments.map(({ body }) => body).filter((body) => body !== "hello")).toEqual([
    noteBody("preview", "new"),
  ]);
});

test("waits until the hour's requests are there again", async () => {
  const reset = Math.ceil(Date.now() / 1_000) + 1;
  const headers = { "x-ratelimit-remaining": "0", "x-ratelimit-reset": String(reset) };
  github.troubles.push({ method: "POST", status: 403, headers });
  await write("new");
  expect(Date.now()).toBeGreaterThanOrEqual(reset * 1_000);
  expect(github.comments).toHaveLength(1);
});

test("waits as a rate limit asks, and outlasts trouble of the server", async () => {
  github.comments.push({ id: 1, body: noteBody("preview", "old"), user: bot });
  github.troubles.push({ method: "PATCH", status: 403, headers: { "retry-after": "1" } });
  github.troubles.push({ method: "PATCH", status: 502 });
  const begin = Date.now();
  await write("new");
  expect(Date.now() - begin).toBeGreaterThanOrEqual(1_000);
  expect(github.comments[0]?.body).toBe(noteBody("preview", "new"));
});

test("does not write twice what a failing server may have written", async () => {
  github.troubles.push({ method: "POST", status: 500 });
  await expect(write("text")).rejects.toMatchObject({ code: "PLATFORM" });
  expect(github.log.filter((line) => line.startsWith("POST"))).toHaveLength(1);
});

test("without the permission nothing is written, and that is no failure", async () => {
  github.permissions = { "pull-requests": "read" };
  expect(await write("text")).toMatchObject({
    state: "skipped",
    reason: expect.stringContaining("answered 403 to POST /repos/shop/app/issues/12/comments"),
  });
  delete env.GITHUB_TOKEN;
  expect(await write("text")).toEqual({ state: "skipped", reason: "no token to write with was given" });
  env.GITHUB_REF = "refs/heads/main";
  expect(await write("text")).toEqual({ state: "skipped", reason: "this run belongs to no pull request" });
});

test("marks the commit where the job may", async () => {
  github.permissions = { statuses: "write" };
  const writing = { env, signal: new AbortController().signal };
  const status = { context: "kubefile/verify", state: "failure", description: "x".repeat(200) } as const;
  expect(await setGitHubStatus(writing, status)).toEqual({ state: "written" });
  expect(github.log).toEqual([`POST /repos/shop/app/statuses/${env.GITHUB_SHA}`]);
  expect(github.statuses).toEqual([{ ...status, description: "x".repeat(140) }]);
});
