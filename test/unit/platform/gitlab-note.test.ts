import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openGitLabApi } from "../../../src/platform/gitlab-api.ts";
import { gitlabJob } from "../../../src/platform/gitlab-job.ts";
import { writeNote } from "../../../src/platform/gitlab-note.ts";
import { createGitLabTransport, type GitLabTransport } from "../../../src/platform/gitlab-transport.ts";
import { type FakeGitLab, startFakeGitLab } from "../../support/fake-gitlab.ts";

const robot = { id: 7, username: "project_41_bot" };
const stranger = { id: 8, username: "stranger" };
const declared = [
  "GET /user",
  "GET /projects/:id/merge_requests/:iid/notes",
  "POST /projects/:id/merge_requests/:iid/notes",
  "PUT /projects/:id/merge_requests/:iid/notes/:note_id",
];
const post = "POST /projects/:id/merge_requests/:iid/notes";
const mergeRequest = { project: "41", number: 12, page: "https://gitlab.test/shop/-/merge_requests/12" };

let gitlab: FakeGitLab;
let transport: GitLabTransport;
const abort = new AbortController();

beforeEach(async () => {
  gitlab = await startFakeGitLab({
    project: "41",
    mergeRequest: 12,
    tokens: {
      "glpat-robot": { kind: "access", user: robot, scopes: ["api"] },
      "glpat-reader": { kind: "access", user: robot, scopes: ["read_api"] },
      "job-token": { kind: "job" },
    },
    declared,
    path: "/gitlab",
  });
  transport = createGitLabTransport({ signal: abort.signal, limits: { backoff: 5, idle: 2_000, total: 10_000 } });
});
afterEach(async () => {
  await transport.close();
  await gitlab.close();
});

/** As a job does it, from its variables on. */
async function write(key: string, markdown: string, token = "glpat-robot"): Promise<string> {
  const env = { GITLAB_CI: "true", CI_API_V4_URL: gitlab.api, CI_PROJECT_ID: "41", CI_COMMIT_SHA: "c0de" };
  const server = gitlabJob(env)?.server ?? "";
  const api = await openGitLabApi(server, { kind: "access", text: token }, transport);
  return await writeNote(api, mergeRequest, key, markdown);
}

const bodies = (): string[] => gitlab.notes.map(({ body }) => body);

describe("a sticky note", () => {
  it("is written once, and then over what it was", async () => {
    const first = await write("preview", "# Passed");
    expect(first).toBe("https://gitlab.test/shop/-/merge_requests/12#note_300");
    expect(await write("preview", "# Failed")).toBe(first);
    expect(bodies()).toEqual(["<!-- kubefile:preview -->\n# Failed\n"]);
    expect(gitlab.violations).toEqual([]);
  });

  it("that says the same already is left as it is", async () => {
    await write("preview", "# Passed");
    await write("preview", "# Passed");
    expect(gitlab.calls.filter((call) => call.startsWith("PUT"))).toEqual([]);
  });

  it("of another key is another note", async () => {
    await write("preview", "one");
    await write("diff", "two");
    expect(bodies()).toEqual(["<!-- kubefile:preview -->\none\n", "<!-- kubefile:diff -->\ntwo\n"]);
  });

  it("is found behind pages of others", async () => {
    for (let id = 1; id <= 250; id++) gitlab.notes.push({ id, body: `${id}`, author: stranger, system: id % 2 === 0 });
    await write("preview", "one");
    await write("preview", "two");
    expect(bodies().slice(250)).toEqual(["<!-- kubefile:preview -->\ntwo\n"]);
    expect(gitlab.server.lines().filter((line) => line.includes("/notes?page=3"))).toHaveLength(2);
    expect(gitlab.violations).toEqual([]);
  });

  it("is found behind pages that are shorter for what its writer may not read", async () => {
    for (let id = 1; id <= 150; id++) {
      gitlab.notes.push({ id, body: `${id}`, author: stranger, system: true, hidden: id % 3 === 0 });
    }
    await write("preview", "one");
    await write("preview", "two");
    expect(bodies().slice(150)).toEqual(["<!-- kubefile:preview -->\ntwo\n"]);
  });

  it("is nobody else's, whatever that begins with", async () => {
    gitlab.notes.push({ id: 1, body: "<!-- kubefile:preview -->\nmine", author: stranger, system: false });
    await write("preview", "ours");
    expect(bodies()).toEqual(["<!-- kubefile:preview -->\nmine", "<!-- kubefile:preview -->\nours\n"]);
  });

  it("is written anew when somebody removes it meanwhile", async () => {
    await write("preview", "one");
    const put = "PUT /projects/:id/merge_requests/:iid/notes/:note_id";
    gitlab.fail({ operation: put, when: "before", status: 404 });
    await write("preview", "two");
    expect(bodies().at(-1)).toBe("<!-- kubefile:preview -->\ntwo\n");
  });

  it("gives no orders, outside of code", async () => {
    const markdown = ["/merge", "  /approve", "text /close", "```", "/merge", "```", "/assign me"].join("\n");
    await write("preview", markdown);
    expect(bodies()[0]?.split("\n").slice(1)).toEqual([
      "&#47;merge",
      "  &#47;approve",
      "text /close",
      "```",
      "/merge",
      "```",
      "&#47;assign me",
      "",
    ]);
  });

  it.each(["", "Preview", "a--b", "-a", "a b", "x".repeat(65), "a-->b"])("has no key %j", async (key) => {
    await expect(write(key, "text")).rejects.toMatchObject({ code: "USAGE" });
    expect(gitlab.notes).toEqual([]);
  });

  it("is not longer than GitLab takes", async () => {
    await expect(write("preview", "x".repeat(1_000_000))).rejects.toMatchObject({ code: "USAGE" });
    expect(gitlab.server.requests).toEqual([]);
  });
});

describe("trouble", () => {
  it("that passes is waited for, as long as the server asks", async () => {
    gitlab.fail(
      { operation: post, when: "before", status: 429, headers: { "retry-after": "1" } },
      { operation: "GET /user", when: "before", status: 502 },
      { operation: declared[1] ?? "", when: "before", status: 0 },
    );
    const start = performance.now();
    await write("preview", "one");
    expect(performance.now() - start).toBeGreaterThanOrEqual(1_000);
    expect(bodies()).toHaveLength(1);
  });

  it.each([500, 502, 0])("while a note was written (%i) makes no second one", async (status) => {
    gitlab.fail({ operation: post, when: "after", status });
    await write("preview", "one");
    expect(bodies()).toEqual(["<!-- kubefile:preview -->\none\n"]);
    expect(gitlab.calls.filter((call) => call === post)).toHaveLength(1);
  });

  it("before a note was written is told", async () => {
    gitlab.fail({ operation: post, when: "before", status: 500 });
    await expect(write("preview", "one")).rejects.toMatchObject({
      code: "PLATFORM",
      message: `GitLab at ${gitlab.server.host} answered 500 to POST /gitlab/api/v4/projects/41/merge_requests/12/notes: 500 in a test`,
    });
    expect(bodies()).toEqual([]);
  });

  it.each([
    ["glpat-unknown", 401, /expired, was revoked/],
    ["glpat-reader", 403, /needs the scope `api`/],
    ["job-token", 401, /expired, was revoked/],
  ])("with the token %s is told once, with what it lacks", async (token, status, hint) => {
    const refused = write("preview", "one", token);
    await expect(refused).rejects.toMatchObject({ code: "PLATFORM", status, hint: expect.stringMatching(hint) });
    await expect(refused).rejects.not.toMatchObject({ message: expect.stringContaining(token) });
    expect(gitlab.calls.filter((call) => call === post).length).toBeLessThanOrEqual(1);
  });
});
