/** What a workflow gives its token: `permissions:`. */
export type Permissions = Partial<Record<Permission, "read" | "write">>;
type Permission = "contents" | "issues" | "packages" | "pull-requests" | "statuses";

/**
 * What each operation asks of a job's token; one of several permissions does. `none` is for all, `never` for persons alone.
 *
 * @see https://docs.github.com/rest/authentication/permissions-required-for-github-apps
 */
const needs: Readonly<Record<string, readonly [access: "read" | "write", ...of: Permission[]] | "none" | "never">> = {
  "users/get-authenticated": "never",
  "users/get-by-username": "none",
  "issues/list-comments": ["read", "issues", "pull-requests"],
  "issues/create-comment": ["write", "issues", "pull-requests"],
  "issues/update-comment": ["write", "issues", "pull-requests"],
  "issues/delete-comment": ["write", "issues", "pull-requests"],
  "pulls/list": ["read", "pull-requests"],
  "repos/create-commit-status": ["write", "statuses"],
  "repos/list-releases": ["read", "contents"],
  "repos/create-release": ["write", "contents"],
  "repos/update-release": ["write", "contents"],
  "repos/upload-release-asset": ["write", "contents"],
  "repos/delete-release-asset": ["write", "contents"],
  "packages/get-all-package-versions-for-package-owned-by-user": ["read", "packages"],
  "packages/get-all-package-versions-for-package-owned-by-org": ["read", "packages"],
  "packages/delete-package-version-for-user": ["write", "packages"],
  "packages/delete-package-version-for-org": ["write", "packages"],
};

export function mayPerform(operation: string, given: Permissions): boolean {
  const need = needs[operation];
  if (need === undefined || need === "never") return false;
  if (need === "none") return true;
  const [access, ...permissions] = need;
  return permissions.some((permission) => given[permission] === "write" || given[permission] === access);
}
