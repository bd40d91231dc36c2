import { expect, test } from "vitest";
import { type GitHubAnswer, type GitHubServer, startGitHubServer } from "../../support/github/server.ts";

/** What tests of the platform lean on: the fake of GitHub refuses what GitHub would, and tells of it when it stops. */
const permissions = { "pull-requests": "write" } as const;
const comments = "/repos/shop/app/issues/12/comments";

async function ask(
  github: GitHubServer,
  method: string,
  path: string,
  body?: unknown,
  headers: Record<string, string> = {},
): Promise<{ readonly status: number; readonly body: unknown }> {
  const response = await fetch(`${github.url}${path}`, {
    method,
    headers: {
      ...{ authorization: "Bearer ghs_token", "user-agent": "test", "x-github-api-version": "2022-11-28" },
      ...(body === undefined ? {} : { "content-type": "application/json" }),
      ...headers,
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  return { status: response.status, body: text === "" ? undefined : JSON.parse(text) };
}

const made = (): GitHubAnswer => ({ status: 201, body: { id: 7, body: "hello", user: { id: 1, type: "Bot" } } });

test("an answer has all that GitHub's has", async () => {
  const github = await startGitHubServer(permissions, made);
  const { status, body } = await ask(github, "POST", comments, { body: "hello" });
  expect(status).toBe(201);
  expect(body).toMatchObject({
    id: 7,
    user: { login: "", type: "Bot", site_admin: false },
    created_at: expect.stringMatching(/Z$/),
  });
  await github.stop();
});

test.each([
  ["POST", comments, { text: "hello" }, "GitHub knows no text here"],
  ["POST", comments, { body: 7 }, "body must be string"],
  ["POST", "/repos/shop/app/issues/twelve/comments", { body: "a" }, "issue_number must be integer"],
  ["GET", `${comments}?per_page=100&sort=asc`, undefined, "GitHub knows no sort here"],
  ["GET", "/repos/shop/app/pulls?state=merged", undefined, "state must be equal to one of the allowed values"],
  ["PUT", comments, { body: "a" }, "no such operation"],
  ["GET", "/repos/shop/app/actions/runs", undefined, "no such operation"],
])("what is not in GitHub's description is refused and told: %s %s %j", async (method, path, body, problem) => {
  const github = await startGitHubServer(permissions, made);
  expect((await ask(github, method, path, body)).status).toBeGreaterThanOrEqual(400);
  await expect(github.stop()).rejects.toThrow(problem);
});

test.each([
  [{ status: 200, body: { id: 7 } }, "GitHub does not answer issues/create-comment with 200"],
  [{ status: 201, body: { id: "7" } }, "id must be integer"],
])("the fake's own answer is held against it, too: %j", async (answer, problem) => {
  const github = await startGitHubServer(permissions, () => answer);
  await ask(github, "POST", comments, { body: "hello" });
  await expect(github.stop()).rejects.toThrow(problem);
});

test("without a permission, or the token, nothing is done, as at GitHub", async () => {
  let done = 0;
  const github = await startGitHubServer({ "pull-requests": "read", contents: "write" }, () => {
    done += 1;
    return made();
  });
  const sha = "0".repeat(40);
  const statuses = await Promise.all([
    ask(github, "POST", comments, { body: "hello" }),
    ask(github, "POST", `/repos/shop/app/statuses/${sha}`, { state: "success" }),
    ask(github, "GET", "/user"),
    ask(github, "POST", comments, { body: "hello" }, { authorization: "Bearer other" }),
  ]);
  expect([done, ...statuses.map(({ status }) => status)]).toEqual([0, 403, 403, 403, 401]);
  await github.stop();
});
