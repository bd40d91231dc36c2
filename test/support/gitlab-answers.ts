import { Ajv2020, type ValidateFunction } from "ajv/dist/2020.js";
import type { FakeNote, FakeUser } from "./gitlab-state.ts";

/**
 * What GitLab answers with, and what its published description says of that: lib/api/entities/{user_basic,note,
 * commit_status,release}.rb, from which doc/api/openapi is generated.
 */

const time = "2026-11-21T08:00:00.000Z";
const ajv = new Ajv2020({ strict: true, allErrors: true, allowUnionTypes: true });
const text = { type: "string" };
const textOrNone = { type: ["string", "null"] };
const whole = { type: "integer" };
const flag = { type: "boolean" };
const list = { type: "array" };
const object = { type: "object" };

/** All of these, and nothing else. */
const exactly = (properties: Readonly<Record<string, object>>): object => ({
  ...{ type: "object", additionalProperties: false, properties, required: Object.keys(properties) },
});

const author = exactly({
  ...{ id: whole, username: text, name: text, state: { enum: ["active", "blocked"] }, locked: flag },
  ...{ avatar_url: textOrNone, web_url: text },
});
const note = exactly({
  ...{ id: whole, type: textOrNone, body: text, attachment: textOrNone, author, created_at: text, updated_at: text },
  ...{ system: flag, noteable_id: whole, noteable_type: text, project_id: whole, noteable_iid: whole },
  ...{ resolvable: flag, confidential: flag, internal: flag, imported: flag, imported_from: text },
  commands_changes: object,
});

export const answerSchemas = {
  user: ajv.compile(author),
  note: ajv.compile(note),
  notes: ajv.compile({ type: "array", items: note }),
  status: ajv.compile(
    exactly({
      ...{ id: whole, sha: text, ref: text, status: text, name: text, target_url: textOrNone, description: textOrNone },
      ...{ created_at: text, started_at: textOrNone, finished_at: textOrNone, allow_failure: flag },
      ...{ coverage: { type: ["number", "null"] }, pipeline_id: whole, author },
    }),
  ),
  release: ajv.compile(
    exactly({
      ...{ tag_name: text, name: text, description: textOrNone, created_at: text, released_at: text },
      ...{ upcoming_release: flag, author, commit: object, commit_path: text, tag_path: text },
      ...{ assets: object, evidences: list, _links: object },
    }),
  ),
} satisfies Readonly<Record<string, ValidateFunction>>;

export function userAnswer({ id, username }: FakeUser): object {
  const page = `https://gitlab.test/${username}`;
  return { id, username, name: username, state: "active", locked: false, avatar_url: null, web_url: page };
}

export function noteAnswer({ id, body, author: user, system }: FakeNote, mergeRequest: number): object {
  return {
    ...{ id, type: null, body, attachment: null, author: userAnswer(user), created_at: time, updated_at: time, system },
    ...{ noteable_id: 9_000 + mergeRequest, noteable_type: "MergeRequest", project_id: 41, noteable_iid: mergeRequest },
    ...{ resolvable: false, confidential: false, internal: false, imported: false, imported_from: "none" },
    commands_changes: {},
  };
}

export function statusAnswer(
  status: { readonly sha: string; readonly name: string; readonly ref: string; readonly pipeline: number },
  fields: Readonly<Record<string, unknown>>,
  user: FakeUser,
): object {
  const { sha, name, ref, pipeline } = status;
  const { state, description = null, target_url = null, coverage = null } = fields;
  return {
    ...{ id: 91, sha, ref, status: state, name, target_url, description, coverage, pipeline_id: pipeline },
    ...{ created_at: time, started_at: null, finished_at: time, allow_failure: false, author: userAnswer(user) },
  };
}

export function releaseAnswer(release: Readonly<Record<string, unknown>>, user: FakeUser): object {
  const { tag_name, name = tag_name, description = null } = release;
  return {
    ...{ tag_name, name, description, created_at: time, released_at: time, upcoming_release: false },
    ...{ author: userAnswer(user), commit: { id: "c0de" }, commit_path: "/-/commit/c0de", tag_path: "/-/tags" },
    ...{ assets: { count: 0, sources: [], links: [] }, evidences: [], _links: {} },
  };
}
