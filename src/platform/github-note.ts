import { KubefileError } from "../error.ts";
import { type GitHubApi, GitHubRefusal } from "./github-api.ts";
import { noteBody, opensNote } from "./sticky-note.ts";

interface Comment {
  readonly id: number;
  readonly body: string;
  readonly url: string;
  readonly author: number;
  readonly isBot: boolean;
}

type IsOwn = (comment: Comment) => boolean;

const COMMENTS_PER_PAGE = 100;
/** A discussion that is longer gets a second comment rather than a job that reads for ever. */
const MAX_PAGES = 50;
/** Characters, as GitHub counts them. */
export const longestGitHubComment = 65_536;

/**
 * Writes a comment to a pull request, over the one of the same key. Comments of people are left alone, whatever they
 * begin with. Of two jobs that write the first at once, both end with the older comment, and the younger one goes.
 *
 * @param repository `owner/name`
 * @returns where it can be read
 * @throws KubefileError PLATFORM, USAGE for a text longer than GitHub takes
 */
export async function writeComment(
  api: GitHubApi,
  { repository, number }: { readonly repository: string; readonly number: number },
  key: string,
  markdown: string,
): Promise<string> {
  const body = noteBody(key, markdown);
  if (body.length > longestGitHubComment) {
    throw new KubefileError(
      "USAGE",
      `the comment has ${body.length} characters; GitHub takes ${longestGitHubComment}`,
      {
        hint: "leave something out, and link to the job's page instead",
      },
    );
  }
  const all = `/repos/${repository}/issues/${number}/comments`;
  const one = (id: number): string => `/repos/${repository}/issues/comments/${id}`;
  const update = async ({ id }: Comment): Promise<Comment | undefined> => {
    try {
      return readComment(await api.send({ method: "PATCH", path: one(id), body: { body } }));
    } catch (error) {
      // Somebody has just removed it.
      if (error instanceof GitHubRefusal && error.status === 404) return undefined;
      throw error;
    }
  };
  const isOwn = await ownership(api);
  const find = async (): Promise<Comment | undefined> => (await commentsOf(api, all, key, isOwn))[0];
  const found = await find();
  if (found?.body === body) return found.url;
  const updated = found === undefined ? undefined : await update(found);
  if (updated !== undefined) return updated.url;
  const created = readComment(await api.send({ method: "POST", path: all, body: { body } }));
  const oldest = await find();
  if (oldest === undefined || oldest.id >= created.id) return created.url;
  const kept = oldest.body === body ? oldest : await update(oldest);
  if (kept === undefined) return created.url;
  await api.send({ method: "DELETE", path: one(created.id) });
  return kept.url;
}

/** A job's own token belongs to an app, which may not ask who it is; a person's may. */
async function ownership(api: GitHubApi): Promise<IsOwn> {
  try {
    const id = idAt(await api.send({ method: "GET", path: "/user" }));
    return ({ author }) => author === id;
  } catch (error) {
    if (error instanceof GitHubRefusal && error.status === 403) return ({ isBot }) => isBot;
    throw error;
  }
}

/** Oldest first. */
async function commentsOf(api: GitHubApi, path: string, key: string, isOwn: IsOwn): Promise<readonly Comment[]> {
  const own: Comment[] = [];
  for (let page = 1; page <= MAX_PAGES; page += 1) {
    const answer = await api.send({ method: "GET", path: `${path}?per_page=${COMMENTS_PER_PAGE}&page=${page}` });
    if (!Array.isArray(answer)) throw malformed("comments");
    const comments = answer.map(readComment);
    own.push(...comments.filter((comment) => isOwn(comment) && opensNote(key, comment.body)));
    // What is hidden from us makes a page shorter; only an empty one is the last.
    if (comments.length === 0) break;
  }
  return own.sort((one, other) => one.id - other.id);
}

function readComment(value: unknown): Comment {
  if (typeof value !== "object" || value === null) throw malformed("a comment");
  const { body, html_url, user } = { body: "", html_url: "", user: undefined, ...value };
  return {
    id: idAt(value),
    body: typeof body === "string" ? body : "",
    url: typeof html_url === "string" ? html_url : "",
    author: idAt(user),
    isBot: typeof user === "object" && user !== null && Reflect.get(user, "type") === "Bot",
  };
}

function idAt(value: unknown): number {
  const id: unknown = typeof value === "object" && value !== null ? Reflect.get(value, "id") : undefined;
  if (typeof id !== "number" || !Number.isSafeInteger(id)) throw malformed("what has an id");
  return id;
}

function malformed(what: string): KubefileError {
  return new KubefileError("PLATFORM", `GitHub answered with something else than ${what}`, {
    hint: "GITHUB_API_URL must be the address of GitHub's API, and no proxy may answer in its place",
  });
}
