import { type GitHubAnswer, type GitHubCall, type GitHubServer, startGitHubServer } from "./github/server.ts";

export interface FakeComment {
  readonly id: number;
  body: string;
  readonly user: { readonly id: number; readonly type: "Bot" | "User" };
}

export interface FakeGitHub extends GitHubServer {
  readonly comments: FakeComment[];
  /** Ids of comments that GitHub leaves out of its pages: those of people it takes for spammers. */
  readonly hidden: Set<number>;
  readonly statuses: unknown[];
  /** Open pull requests, as far as they are asked for. */
  readonly requests: {
    readonly number: number;
    readonly sha: string;
    readonly repository: string;
    readonly branch: string;
  }[];
  /** Called before a comment is made: another job may be faster. */
  beforeCreate: () => void;
}

const bot = { id: 41_898_282, type: "Bot" } as const;

/**
 * GitHub's comments of pull request 12 of shop/app and statuses of its commits, for a job's own token, which has the
 * permission that our workflows of pull requests declare.
 */
export async function startFakeGitHub(): Promise<FakeGitHub> {
  const github = await startGitHubServer({ "pull-requests": "write" }, perform);
  const extra = { comments: [], hidden: new Set<number>(), statuses: [], requests: [], beforeCreate: () => undefined };
  const fake: FakeGitHub = Object.assign(github, extra);
  return fake;

  function pageOf(page: number, size: number): FakeComment[] {
    return fake.comments.slice((page - 1) * size, page * size).filter(({ id }) => !fake.hidden.has(id));
  }

  function perform({ operation, path, query, body }: GitHubCall): GitHubAnswer | undefined {
    if (path.owner !== "shop" || path.repo !== "app") return undefined;
    if (path.issue_number !== undefined && path.issue_number !== "12") return undefined;
    const text = String(body.body);
    const comment = fake.comments.find(({ id }) => String(id) === path.comment_id);
    switch (operation) {
      case "issues/list-comments": {
        const [page, size] = [Number(query.page ?? 1), Number(query.per_page ?? 30)];
        return { status: 200, body: pageOf(page, size).map(shown) };
      }
      case "issues/create-comment": {
        fake.beforeCreate();
        const made: FakeComment = { id: 1_000 + fake.comments.length, body: text, user: bot };
        fake.comments.push(made);
        return { status: 201, body: shown(made) };
      }
      case "issues/update-comment":
        if (comment === undefined) return undefined;
        comment.body = text;
        return { status: 200, body: shown(comment) };
      case "issues/delete-comment":
        if (comment === undefined) return undefined;
        fake.comments.splice(fake.comments.indexOf(comment), 1);
        return { status: 204 };
      case "pulls/list": {
        const open = fake.requests.filter(
          ({ repository, branch }) => `${repository.split("/")[0]}:${branch}` === query.head,
        );
        return {
          status: 200,
          body: open.map(({ number, sha, repository }) => ({ number, head: { sha, repo: { full_name: repository } } })),
        };
      }
      case "repos/create-commit-status":
        fake.statuses.push(body);
        return { status: 201, body };
      default:
        return undefined;
    }
  }
}

function shown(comment: FakeComment): unknown {
  return { ...comment, html_url: `https://github.example/12#${comment.id}` };
}
