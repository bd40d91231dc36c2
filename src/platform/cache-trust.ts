import { type CacheTrust, protectedTrust, readOnly, unprotectedTrust } from "../cache/trust.ts";
import type { Environment } from "./platform.ts";
import { untrustedEvent } from "./untrusted-event.ts";

export const trustLevels = ["protected", "unprotected", "read-only"] as const;

/** Events whose job runs what the protected ref itself holds. Others may build something else in its name. */
const eventsOfTheRef: readonly string[] = ["push", "release", "schedule", "workflow_dispatch"];

/**
 * What this run may read from caches and write into them. What a stranger sent is never kept, whatever is asked.
 *
 * @see https://docs.github.com/actions/reference/workflows-and-actions/variables
 * @see https://docs.gitlab.com/ci/variables/predefined_variables/
 */
export async function cacheTrust(env: Environment, asked: "auto" | (typeof trustLevels)[number]): Promise<CacheTrust> {
  const trust = asked === "auto" || asked === "read-only" ? trustOfRun(env) : trustAskedFor(asked);
  const stranger = await untrustedEvent(env);
  if (stranger !== undefined) return readOnly(trust, stranger);
  return asked === "read-only" ? readOnly(trust, "--cache-trust read-only") : trust;
}

function trustAskedFor(level: "protected" | "unprotected"): CacheTrust {
  const why = `--cache-trust ${level}`;
  return level === "protected" ? protectedTrust(why) : unprotectedTrust(why);
}

function trustOfRun(env: Environment): CacheTrust {
  if (env.GITLAB_CI === "true") {
    const isProtected = env.CI_COMMIT_REF_PROTECTED === "true";
    return trustOfRef(env.CI_COMMIT_REF_NAME, { isProtected, isRelease: !!env.CI_COMMIT_TAG, runsItself: true });
  }
  if (env.GITHUB_ACTIONS === "true") {
    const isProtected = env.GITHUB_REF_PROTECTED === "true";
    const isRelease = env.GITHUB_REF_TYPE === "tag" || env.GITHUB_EVENT_NAME === "release";
    const runsItself = eventsOfTheRef.includes(env.GITHUB_EVENT_NAME ?? "");
    return trustOfRef(env.GITHUB_REF_NAME, { isProtected, isRelease, runsItself });
  }
  return unprotectedTrust("outside of CI");
}

/**
 * A release believes protected builds alone, also one of a tag that is not protected: who may push such a tag may push
 * any branch, so it writes where branches write.
 */
function trustOfRef(
  name = "of this run",
  facts: { readonly isProtected: boolean; readonly isRelease: boolean; readonly runsItself: boolean },
): CacheTrust {
  const { isProtected, isRelease, runsItself } = facts;
  if (!isProtected && !isRelease) return unprotectedTrust(`ref ${name} is not protected`);
  const why = isProtected ? `ref ${name} is protected` : `${name} is a release`;
  return { ...protectedTrust(why), writes: isProtected && runsItself ? "protected" : "unprotected" };
}
