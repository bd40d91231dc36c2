import { KubefileError } from "../error.ts";
import type { ProjectFile } from "../plan/project-file.ts";
import type { BuildFlags } from "./build-inputs.ts";
import type { Environment } from "./platform.ts";
import { untrustedEvent } from "./untrusted-event.ts";

/**
 * Keys of `kubefile.yaml` by which it decides what the machine's credentials are used for and where, or which files of the
 * machine are written: a mirror is sent the credentials of the registry that it stands for.
 */
const reserved = ["mirror", "insecure", "push", "output", "tag"] as const;

/**
 * Refuses a stranger's `kubefile.yaml` that decides over more than its own build. What the job's own flags say is not taken
 * from the file, and so is no reason.
 *
 * @throws KubefileError USAGE
 */
export async function refuseStrangersProject(project: ProjectFile, flags: BuildFlags, env: Environment): Promise<void> {
  const jobPushes = flags.push === true || flags.pushByDigest === true;
  const keys = reserved.filter((key) => {
    if (flags[key] !== undefined || !says(project[key])) return false;
    // Names that nothing is pushed to are names on this machine; to push by digest is a decision of the job, too.
    return key === "tag" ? jobPushes : key !== "push" || !jobPushes;
  });
  const stranger = keys.length === 0 ? undefined : await untrustedEvent(env);
  if (stranger === undefined) return;
  throw new KubefileError("USAGE", `kubefile.yaml may not decide over ${keys.join(", ")} in ${stranger}`, {
    hint: `let the job say it: ${keys.map((key) => `--${key}`).join(", ")}, which then counts in place of the file`,
  });
}

function says(value: ProjectFile[(typeof reserved)[number]]): boolean {
  return typeof value === "object" ? Object.keys(value).length > 0 : value === true;
}
