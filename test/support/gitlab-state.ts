import { noteAnswer, releaseAnswer, statusAnswer, userAnswer } from "./gitlab-answers.ts";
import type { GitLabOperation } from "./gitlab-operations.ts";

export interface FakeUser {
  readonly id: number;
  readonly username: string;
}

export interface FakeNote {
  readonly id: number;
  body: string;
  readonly author: FakeUser;
  readonly system: boolean;
  /** Tells of something that the token's user may not read: it counts for the pages, and stands on none. */
  readonly hidden?: boolean;
}

export interface FakePipeline {
  readonly sha: string;
  /** `main`, or `refs/merge-requests/12/head` for a merge request's. */
  readonly ref: string;
}

export interface FakeStatus {
  readonly state: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

/** What a project holds. */
export interface GitLabState {
  readonly notes: FakeNote[];
  readonly statuses: Map<string, FakeStatus>;
  readonly releases: Map<string, Record<string, unknown>>;
  /** By their ids. */
  readonly pipelines: Map<number, FakePipeline>;
}

export function emptyState(): GitLabState {
  return { notes: [], statuses: new Map(), releases: new Map(), pipelines: new Map() };
}

export interface Answer {
  readonly status: number;
  readonly content: unknown;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** What the client should not have done. */
  readonly violation?: string;
}

export function refused(status: number, message: unknown): Answer {
  return { status, content: { message } };
}

interface Call {
  readonly state: GitLabState;
  readonly parameters: readonly string[];
  readonly user: FakeUser;
  readonly query: URLSearchParams;
  readonly body: Readonly<Record<string, unknown>>;
}

/** Does what an operation that was let in is for. */
export function perform(operation: GitLabOperation, call: Call): Answer {
  const { state, parameters, user, body } = call;
  const done = (content: unknown): Answer => ({ status: operation.success, content });
  switch (operation.name) {
    case "GET /user":
      return done(userAnswer(user));
    case "GET /projects/:id/merge_requests/:iid/notes":
      return pageOf(call);
    case "POST /projects/:id/merge_requests/:iid/notes": {
      const note = { id: 300 + state.notes.length, body: String(body.body), author: user, system: false };
      state.notes.push(note);
      return done(noteAnswer(note, Number(parameters[1])));
    }
    case "PUT /projects/:id/merge_requests/:iid/notes/:note_id": {
      const note = state.notes.find(({ id }) => id === Number(parameters[2]));
      if (note === undefined) return refused(404, "404 Not found");
      if (note.author.id !== user.id) return refused(403, "403 Forbidden");
      note.body = String(body.body);
      return done(noteAnswer(note, Number(parameters[1])));
    }
    case "POST /projects/:id/statuses/:sha":
      return setStatus(call);
    case "POST /projects/:id/releases": {
      const tag = String(body.tag_name);
      if (state.releases.has(tag)) return refused(409, "Release already exists");
      state.releases.set(tag, { ...body });
      return done(releaseAnswer(body, user));
    }
    case "PUT /projects/:id/releases/:tag_name": {
      const tag = parameters[1] ?? "";
      const release = state.releases.get(tag);
      if (release === undefined) return refused(404, "404 Not Found");
      Object.assign(release, body);
      return done(releaseAnswer(release, user));
    }
    default:
      throw new Error(`${operation.name} is described, but does nothing here`);
  }
}

/** What may not be read is taken out of a page when it was made: it has fewer notes then, also when it is not the last. */
function pageOf({ state, parameters, query }: Call): Answer {
  const size = Number(query.get("per_page") ?? 20);
  const page = Number(query.get("page") ?? 1);
  const sorted = query.get("sort") === "asc" ? state.notes : [...state.notes].reverse();
  const pages = Math.max(1, Math.ceil(sorted.length / size));
  const next = page < pages ? String(page + 1) : "";
  const headers = {
    "x-page": String(page),
    "x-per-page": String(size),
    "x-next-page": next,
    "x-total": String(sorted.length),
    "x-total-pages": String(pages),
    ...(next === "" ? {} : { link: `<http://gitlab.test/next?page=${next}&per_page=${size}>; rel="next"` }),
  };
  const shown = sorted.slice((page - 1) * size, page * size).filter(({ hidden }) => hidden !== true);
  return { status: 200, content: shown.map((note) => noteAnswer(note, Number(parameters[1]))), headers };
}

/** A pipeline is one of this commit and, where a ref is named, of that very ref; a status finds no other. */
function setStatus({ state, parameters, user, body }: Call): Answer {
  const sha = parameters[1] ?? "";
  const id = body.pipeline_id === undefined ? undefined : Number(body.pipeline_id);
  const pipeline = id === undefined ? undefined : state.pipelines.get(id);
  const isThatRef = body.ref === undefined || body.ref === pipeline?.ref;
  if (id !== undefined && !(pipeline?.sha === sha && isThatRef)) {
    return refused(404, "404 Pipeline for pipeline_id, sha and ref Not Found");
  }
  const name = String(body.name ?? body.context ?? "default");
  const before = state.statuses.get(name);
  if (before !== undefined && before.state === body.state) {
    return refused(400, { status: [`Cannot transition status via :again from :${before.state} (Reason(s): ...)`] });
  }
  state.statuses.set(name, { state: String(body.state), fields: body });
  const ref = String(body.ref ?? pipeline?.ref ?? "main");
  return { status: 201, content: statusAnswer({ sha, name, ref, pipeline: id ?? 1 }, body, user) };
}
