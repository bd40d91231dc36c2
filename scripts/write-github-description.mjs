// Writes test/fixtures/github/description.json: of GitHub's published description of its REST API the operations that
// kubefile sends, as JSON Schemas without their prose. The package that carries the description has 385 MB, so it is
// unpacked here and nowhere else; the tests read the excerpt.
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const published = "@octokit/openapi@23.0.2";
const versions = "/packages/{package_type}/{package_name}/versions";
const operations = [
  "get /user",
  "get /users/{username}",
  "get /repos/{owner}/{repo}/issues/{issue_number}/comments",
  "post /repos/{owner}/{repo}/issues/{issue_number}/comments",
  "patch /repos/{owner}/{repo}/issues/comments/{comment_id}",
  "delete /repos/{owner}/{repo}/issues/comments/{comment_id}",
  "get /repos/{owner}/{repo}/pulls",
  "post /repos/{owner}/{repo}/statuses/{sha}",
  "get /repos/{owner}/{repo}/releases",
  "post /repos/{owner}/{repo}/releases",
  "patch /repos/{owner}/{repo}/releases/{release_id}",
  "post /repos/{owner}/{repo}/releases/{release_id}/assets",
  "delete /repos/{owner}/{repo}/releases/assets/{asset_id}",
  ...["/users/{username}", "/orgs/{org}"].flatMap((owner) => [
    `get ${owner}${versions}`,
    `delete ${owner}${versions}/{package_version_id}`,
  ]),
];
/** What a value is held against. */
const constraints = new Set([
  ...["type", "enum", "required", "format", "pattern", "minLength", "maxLength", "minimum", "maximum"],
  ...["minItems", "maxItems", "uniqueItems", "minProperties", "maxProperties"],
]);

const directory = mkdtempSync(join(tmpdir(), "kubefile-description-"));
try {
  const at = ["--prefix", directory, "--no-save", "--ignore-scripts", "--no-audit", "--no-fund"];
  execFileSync("npm", ["install", ...at, published], { stdio: ["ignore", "ignore", "inherit"] });
  const file = join(directory, "node_modules/@octokit/openapi/generated/api.github.com.json");
  const excerpt = excerptOf(JSON.parse(readFileSync(file, "utf8")));
  const target = new URL("../test/fixtures/github/description.json", import.meta.url);
  writeFileSync(target, `${JSON.stringify(excerpt, undefined, 1)}\n`);
} finally {
  rmSync(directory, { recursive: true, force: true });
}

function excerptOf(description) {
  const schemas = {};
  const found = (value) => (value?.$ref === undefined ? value : resolved(description, value.$ref));
  /** OpenAPI 3.0 as JSON Schema: `nullable` becomes a type, and what is for readers alone goes. */
  const schemaOf = (value) => {
    if (value.$ref !== undefined) {
      const name = value.$ref.split("/").at(-1);
      if (schemas[name] === undefined) {
        // Schemas may hold themselves.
        schemas[name] = {};
        schemas[name] = schemaOf(resolved(description, value.$ref));
      }
      return { $ref: `#/schemas/${name}` };
    }
    const { nullable, ...rest } = value;
    const kept = Object.fromEntries(
      Object.entries(rest).flatMap(([key, part]) => {
        if (["properties", "patternProperties"].includes(key)) return [[key, mapped(part, schemaOf)]];
        if (["allOf", "anyOf", "oneOf"].includes(key)) return [[key, part.map(schemaOf)]];
        if (["items", "not"].includes(key)) return [[key, schemaOf(part)]];
        if (key === "additionalProperties") return [[key, typeof part === "object" ? schemaOf(part) : part]];
        return constraints.has(key) ? [[key, part]] : [];
      }),
    );
    if (nullable !== true || kept.enum?.includes(null)) return nullable === true ? withoutType(kept) : kept;
    return { anyOf: [kept, { type: "null" }] };
  };
  const operationOf = (name) => {
    const [method, path] = name.split(" ");
    const { operationId, parameters = [], requestBody, responses, servers } = description.paths[path][method];
    const all = [...(description.paths[path].parameters ?? []), ...parameters].map(found);
    const placed = (place) => all.filter((parameter) => parameter.in === place);
    const body = requestBody?.content["application/json"]?.schema;
    return {
      ...{ id: operationId, method: method.toUpperCase(), path },
      ...(servers === undefined ? {} : { server: servers[0].url }),
      parameters: Object.fromEntries(placed("path").map((parameter) => [parameter.name, schemaOf(parameter.schema)])),
      query: {
        properties: Object.fromEntries(placed("query").map((each) => [each.name, schemaOf(each.schema)])),
        required: placed("query").flatMap((each) => (each.required === true ? [each.name] : [])),
      },
      ...(body === undefined ? {} : { body: schemaOf(body) }),
      answers: mapped(responses, (response) => {
        const content = found(response).content?.["application/json"]?.schema;
        return content === undefined ? {} : { schema: schemaOf(content) };
      }),
    };
  };
  return { from: published, operations: operations.map(operationOf), schemas };
}

function resolved(description, reference) {
  return reference
    .slice(2)
    .split("/")
    .reduce((value, key) => value[key], description);
}

function mapped(object, change) {
  return Object.fromEntries(Object.entries(object).map(([key, value]) => [key, change(value)]));
}

function withoutType({ type: _, ...rest }) {
  return rest;
}
