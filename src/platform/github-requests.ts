import type { GitHubApi } from "./github-api.ts";
import type { PrecedingRun } from "./preceding-run.ts";

/**
 * The open pull request that a run was for. An event of a fork's run names none, and what the run itself says may be a
 * lie: it is found by where its head is. Undefined when the head has moved on: a newer run will tell of it.
 *
 * @param repository `owner/name`, to which it was sent
 * @throws KubefileError PLATFORM
 */
export async function openRequestOf(
  api: GitHubApi,
  repository: string,
  run: PrecedingRun,
): Promise<number | undefined> {
  const [owner = ""] = run.repository.split("/");
  const query = new URLSearchParams({ state: "open", head: `${owner}:${run.branch}`, per_page: "100" });
  const answer = await api.send({ method: "GET", path: `/repos/${repository}/pulls?${query.toString()}` });
  const requests: readonly unknown[] = Array.isArray(answer) ? answer : [];
  return requests.flatMap((request) => numberWhen(request, run) ?? [])[0];
}

function numberWhen(request: unknown, run: PrecedingRun): number | undefined {
  const number = at(request, "number");
  const head = at(request, "head");
  if (at(head, "sha") !== run.commit || at(at(head, "repo"), "full_name") !== run.repository) return undefined;
  return typeof number === "number" && Number.isSafeInteger(number) && number > 0 ? number : undefined;
}

function at(value: unknown, key: string): unknown {
  return typeof value === "object" && value !== null ? Reflect.get(value, key) : undefined;
}
