import { Ajv2020, type ValidateFunction } from "ajv/dist/2020.js";

/** One operation of GitLab's REST API, as its published description has it (doc/api/openapi, doc/api/*.md). */
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
  readonly checkQuery: ValidateFunction;
  /** Undefined where no body is read. */
  readonly checkBody: ValidateFunction | undefined;
}

const ajv = new Ajv2020({ strict: true, allErrors: true, coerceTypes: false });
const text = { type: "string" };
const closed = (properties: object, required: readonly string[] = []): ValidateFunction =>
  ajv.compile({ type: "object", additionalProperties: false, properties, required });

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
  operation("GET /user", { takesJobToken: false, scope: "read_api", success: 200 }),
  operation("GET /projects/:id/merge_requests/:iid/notes", {
    takesJobToken: true,
    scope: "read_api",
    success: 200,
    query: {
      ...pages,
      sort: { enum: ["asc", "desc"] },
      order_by: { enum: ["created_at", "updated_at"] },
      activity_filter: { enum: ["all_notes", "only_comments", "only_activity"] },
    },
  }),
  operation("POST /projects/:id/merge_requests/:iid/notes", {
    takesJobToken: false,
    scope: "api",
    success: 201,
    body: closed(
      {
        body: { type: "string", minLength: 1, maxLength: 1_000_000 },
        internal: { type: "boolean" },
        created_at: text,
        merge_request_diff_head_sha: text,
      },
      ["body"],
    ),
  }),
  operation("PUT /projects/:id/merge_requests/:iid/notes/:note_id", {
    takesJobToken: false,
    scope: "api",
    success: 200,
    body: closed({ body: { type: "string", minLength: 1, maxLength: 1_000_000 } }, ["body"]),
  }),
  operation("POST /projects/:id/statuses/:sha", {
    takesJobToken: false,
    scope: "api",
    success: 201,
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
    takesJobToken: true,
    scope: "api",
    success: 201,
    body: closed(
      { tag_name: text, name: text, description: text, ref: text, released_at: text, assets: { type: "object" } },
      ["tag_name"],
    ),
  }),
  operation("PUT /projects/:id/releases/:tag_name", {
    takesJobToken: true,
    scope: "api",
    success: 200,
    body: closed({ name: text, description: text, released_at: text }),
  }),
];
