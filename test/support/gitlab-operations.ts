import { Ajv2020, type ValidateFunction } from "ajv/dist/2020.js";
import { answerSchemas } from "./gitlab-answers.ts";

/**
 * One operation of GitLab's REST API, as its published description has it: doc/api/openapi, which is generated from
 * lib/api/{notes,commit_statuses,releases}.rb, and doc/api/*.md for limits.
 */
export interface GitLabOperation {
  /** `POST /projects/:id/releases`. */
  readonly name: string;
  readonly method: string;
  readonly path: RegExp;
  /** Whether a job's own token is let in (doc/ci/jobs/ci_job_token.md, "Job token access"). */
  readonly takesJobToken: boolean;
  /** The scope that an access token needs. */
  readonly scope: "read_api" | "api";
  readonly success: number;
  readonly checkAnswer: ValidateFunction;
  readonly checkQuery: ValidateFunction;
  /** Undefined where no body is read. */
  readonly checkBody: ValidateFunction | undefined;
}

const ajv = new Ajv2020({ strict: true, allErrors: true, coerceTypes: false });
const text = { type: "string" };
const closed = (properties: object, required: readonly string[] = []): ValidateFunction =>
  ajv.compile({ type: "object", additionalProperties: false, properties, required });

const milestones = { milestones: { type: "array", items: text }, milestone_ids: { type: "array" } };
const pages = {
  page: { type: "string", pattern: "^[1-9][0-9]*$" },
  per_page: { type: "string", pattern: "^(?:[1-9][0-9]?|100)$" },
};

function operation(
  name: string,
  details: Omit<GitLabOperation, "name" | "method" | "path" | "checkQuery" | "checkBody"> & {
    readonly query?: object;
    readonly body?: ValidateFunction;
  },
): GitLabOperation {
  const [method = "", template = ""] = name.split(" ");
  const pattern = template.replace(/:\w+/g, "([^/]+)");
  const { query, body, ...rest } = details;
  return {
    ...{ name, method, path: new RegExp(`^${pattern}$`), ...rest },
    checkQuery: closed(query ?? {}),
    checkBody: body,
  };
}

export const operations: readonly GitLabOperation[] = [
  operation("GET /user", {
    ...{ takesJobToken: false, scope: "read_api", success: 200, checkAnswer: answerSchemas.user },
  }),
  operation("GET /projects/:id/merge_requests/:iid/notes", {
    ...{ takesJobToken: true, scope: "read_api", success: 200, checkAnswer: answerSchemas.notes },
    query: {
      ...pages,
      sort: { enum: ["asc", "desc"] },
      order_by: { enum: ["created_at", "updated_at"] },
      activity_filter: { enum: ["all_notes", "only_comments", "only_activity"] },
    },
  }),
  operation("POST /projects/:id/merge_requests/:iid/notes", {
    ...{ takesJobToken: false, scope: "api", success: 201, checkAnswer: answerSchemas.note },
    body: closed(
      {
        body: { type: "string", minLength: 1, maxLength: 1_000_000 },
        confidential: { type: "boolean" },
        internal: { type: "boolean" },
        created_at: text,
        merge_request_diff_head_sha: text,
      },
      ["body"],
    ),
  }),
  operation("PUT /projects/:id/merge_requests/:iid/notes/:note_id", {
    ...{ takesJobToken: false, scope: "api", success: 200, checkAnswer: answerSchemas.note },
    body: closed({ body: { type: "string", minLength: 1, maxLength: 1_000_000 }, confidential: { type: "boolean" } }),
  }),
  operation("POST /projects/:id/statuses/:sha", {
    ...{ takesJobToken: false, scope: "api", success: 201, checkAnswer: answerSchemas.status },
    body: closed(
      {
        state: { enum: ["pending", "running", "success", "failed", "canceled", "skipped"] },
        ref: text,
        name: { type: "string", maxLength: 255 },
        context: { type: "string", maxLength: 255 },
        target_url: { type: "string", maxLength: 255 },
        description: { type: "string", maxLength: 255 },
        coverage: { type: "number" },
        pipeline_id: { type: "integer" },
      },
      ["state"],
    ),
  }),
  operation("POST /projects/:id/releases", {
    ...{ takesJobToken: true, scope: "api", success: 201, checkAnswer: answerSchemas.release },
    body: closed(
      {
        ...{ tag_name: text, tag_message: text, name: text, description: text, ref: text, assets: { type: "object" } },
        ...{ ...milestones, released_at: text, legacy_catalog_publish: { type: "boolean" } },
      },
      ["tag_name"],
    ),
  }),
  operation("PUT /projects/:id/releases/:tag_name", {
    ...{ takesJobToken: true, scope: "api", success: 200, checkAnswer: answerSchemas.release },
    body: closed({ name: text, description: text, ...milestones, released_at: text }),
  }),
];
