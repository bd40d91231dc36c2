import { Ajv2020, type ValidateFunction } from "ajv/dist/2020.js";
import { type HttpFixture, type SeenRequest, sendJson, startHttpFixture } from "./http-fixture.ts";

export interface FakeRelease {
  readonly id: number;
  readonly tag: string;
  name: string;
  body: string;
  draft: boolean;
  prerelease: boolean;
  /** Name and bytes of each file, in the order in which they came. */
  readonly files: Map<string, Buffer>;
}

export interface FakeReleases {
  /** GITHUB_API_URL. */
  readonly api: string;
  readonly server: HttpFixture;
  readonly releases: FakeRelease[];
  /** What a client did that GitHub's description does not allow, or for which it has no permission. */
  readonly violations: readonly string[];
  /** What `upload_url` says; the server itself when absent. */
  uploads: string | undefined;
  close(): Promise<void>;
}

interface Operation {
  readonly method: string;
  readonly path: RegExp;
  /** What a job's token needs: docs.github.com, "Permissions required for GitHub Apps". */
  readonly needs: "read" | "write";
  readonly body?: ValidateFunction;
}

const ajv = new Ajv2020({ strict: true, allErrors: true });
const release = {
  tag_name: { type: "string" },
  target_commitish: { type: "string" },
  name: { type: "string" },
  body: { type: "string", maxLength: 125_000 },
  draft: { type: "boolean" },
  prerelease: { type: "boolean" },
  make_latest: { enum: ["true", "false", "legacy"] },
};
const closed = (required: readonly string[]): ValidateFunction =>
  ajv.compile({ type: "object", additionalProperties: false, properties: release, required });

const base = "/repos/shop/app/releases";
const operations: readonly Operation[] = [
  { method: "GET", path: new RegExp(`^${base}\\?per_page=(?:[1-9]\\d?|100)$`), needs: "read" },
  { method: "POST", path: new RegExp(`^${base}$`), needs: "write", body: closed(["tag_name"]) },
  { method: "PATCH", path: new RegExp(`^${base}/(\\d+)$`), needs: "write", body: closed([]) },
  { method: "DELETE", path: new RegExp(`^${base}/assets/(\\d+)$`), needs: "write" },
  { method: "POST", path: new RegExp(`^${base}/(\\d+)/assets\\?name=([^&]+)$`), needs: "write" },
];

/**
 * GitHub's releases of the repository shop/app, for a job's token `ghs_token` with some permission on contents; strict on
 * all else.
 */
export async function startFakeReleases(contents: "read" | "write"): Promise<FakeReleases> {
  const violations: string[] = [];
  const releases: FakeRelease[] = [];
  const assetIds = new Map<number, readonly [FakeRelease, string]>();
  const server = await startHttpFixture((request, response) => {
    const { status, body, violation } = judge(request);
    if (violation !== undefined) violations.push(`${request.method} ${request.path}: ${violation}`);
    if (status === 204) response.writeHead(status).end();
    else sendJson(response, status, body);
  });
  const fake: FakeReleases = {
    ...{ api: server.url, server, releases, violations, uploads: undefined },
    close: () => server.close(),
  };
  return fake;

  function judge(request: SeenRequest): {
    readonly status: number;
    readonly body: unknown;
    readonly violation?: string;
  } {
    const refused = (status: number, message: string, violation?: string) => ({
      ...{ status, body: { message } },
      ...(violation === undefined ? {} : { violation }),
    });
    if (request.headers.authorization !== "Bearer ghs_token") return refused(401, "Bad credentials", "no token");
    const operation = operations.find(({ method, path }) => method === request.method && path.test(request.path));
    if (operation === undefined) return refused(404, "Not Found", "no such operation");
    if (operation.needs === "write" && contents === "read") {
      return refused(403, "Resource not accessible by integration");
    }
    const [, id, name] = operation.path.exec(request.path) ?? [];
    const value: unknown =
      operation.body === undefined ? undefined : JSON.parse(request.body.toString("utf8") || "null");
    if (operation.body !== undefined && !operation.body(value)) {
      return refused(422, "Validation Failed", ajv.errorsText(operation.body.errors));
    }
    return perform(operation, Number(id), decodeURIComponent(name ?? ""), request, value);
  }

  function perform(operation: Operation, id: number, name: string, request: SeenRequest, value: unknown) {
    const given: Partial<FakeRelease> & { tag_name?: string } = { ...(typeof value === "object" ? value : {}) };
    const found = releases.find((one) => one.id === id);
    switch (operations.indexOf(operation)) {
      case 0:
        return { status: 200, body: releases.map(shown) };
      case 1: {
        const { tag_name: tag = "", name: title = "", body = "", draft = false, prerelease = false } = given;
        const made: FakeRelease = {
          ...{ id: releases.length + 1, tag, name: title, body, draft, prerelease, files: new Map() },
        };
        releases.unshift(made);
        return { status: 201, body: shown(made) };
      }
      case 2:
        if (found === undefined) break;
        Object.assign(found, given);
        return { status: 200, body: shown(found) };
      case 3: {
        const [owner, file = ""] = assetIds.get(id) ?? [];
        if (owner?.files.delete(file) !== true) break;
        return { status: 204, body: undefined };
      }
      default: {
        if (found === undefined) break;
        if (found.files.has(name)) return { status: 422, body: { message: "already_exists" } };
        if (request.headers["content-length"] !== String(request.body.byteLength)) break;
        found.files.set(name, request.body);
        return { status: 201, body: { id: 1 } };
      }
    }
    return { status: 404, body: { message: "Not Found" } };
  }

  function shown(one: FakeRelease): unknown {
    const assets = [...one.files.keys()].map((name) => {
      const known = [...assetIds].find(([, [owner, file]]) => owner === one && file === name)?.[0];
      const id = known ?? 100 + assetIds.size;
      assetIds.set(id, [one, name]);
      return { id, name };
    });
    const { id, tag, name, body, draft, prerelease } = one;
    const upload_url = `${fake.uploads ?? server.url}${base}/${id}/assets{?name,label}`;
    return {
      id,
      tag_name: tag,
      name,
      body,
      draft,
      prerelease,
      assets,
      upload_url,
      html_url: `https://gh.example/${tag}`,
    };
  }
}
