import { KubefileError } from "../error.ts";
import { type CleanFlags, parseRepository, requestOf } from "./clean-inputs.ts";
import { cleanMachine, type MachineCleaning } from "./clean-machine.ts";
import { cleanPreview } from "./clean-preview.ts";
import { cleanRequest } from "./clean-request.ts";
import type { CommandContext } from "./context.ts";
import { openGitHubApi } from "./github-api.ts";
import { deleteAtGitHub, packagesRegistry } from "./github-packages.ts";
import { githubTokens } from "./github-tokens.ts";
import { openHost } from "./host.ts";
import { proxySettings } from "./proxy-settings.ts";

const GITHUB_API = "https://api.github.com";

/**
 * Cleans up after a closed request, or on this machine when none is named.
 *
 * @param repositories where a request's tags are looked for
 * @returns what was removed, or would be: names at registries, previews, or runs
 * @throws KubefileError USAGE, and as the cleaning does
 */
export async function cleanInJob(
  context: CommandContext,
  flags: CleanFlags,
  repositories: readonly string[],
): Promise<readonly string[]> {
  const { dryRun = false } = flags;
  const request = requestOf(flags);
  if (request === undefined) {
    if (repositories.length === 0) return await cleanMachine(context, { kept: keptOf(flags), dryRun });
    throw new KubefileError("USAGE", "repositories are named, but no request whose tags are to go", {
      hint: "add --pull-request NUMBER or --merge-request NUMBER",
    });
  }
  const named = repositories.map(parseRepository);
  const previews = await cleanPreview(context, request, dryRun);
  if (previews === undefined && named.length === 0) {
    throw new KubefileError(
      "USAGE",
      `no repository is named in which ${request} has tags, and no engine answers here`,
      {
        hint: "name those of its images and of its cache: kubefile clean --pull-request 12 registry.example/shop",
      },
    );
  }
  await using host = await openHost(context, flags);
  const { env, signal } = context;
  const [token] = githubTokens(env);
  await using github =
    token === undefined
      ? undefined
      : openGitHubApi({ server: env.GITHUB_API_URL || GITHUB_API, token, proxy: proxySettings(env), signal });
  const deleters = new Map(
    github === undefined ? [] : [[packagesRegistry(env.GITHUB_SERVER_URL), deleteAtGitHub(github)]],
  );
  const tags = named.length === 0 ? [] : await cleanRequest(host, { request, repositories: named, dryRun, deleters });
  host.endProgress();
  const removed = [...(previews ?? []), ...tags];
  for (const name of removed) context.stdout.write(`${dryRun ? "would remove" : "removed"} ${name}\n`);
  if (removed.length === 0) context.stdout.write("nothing to remove\n");
  return removed;
}

/** @throws KubefileError USAGE */
function keptOf({ all = false, run }: CleanFlags): MachineCleaning["kept"] {
  if (run === undefined) return all ? "all" : "none";
  if (!all) return { runId: run.replace(/^kubefile-/, "") };
  throw new KubefileError("USAGE", "--all and --run contradict each other", { hint: "leave one of them out" });
}
