import { createHash } from "node:crypto";
import { fileURLToPath } from "node:url";
import { KubefileError } from "../error.ts";
import type { LastingOptions } from "../pipeline/lasting-preview.ts";
import type { CommandContext } from "./context.ts";
import type { Inputs, ValuesOf } from "./inputs.ts";
import type { Environment } from "./platform.ts";
import { sourceRevision } from "./source-revision.ts";

/** What a preview takes that stays when its job has ended. */
export const lastingInputs = {
  keep: {
    kind: "switch",
    default: "false",
    help: "leave the cluster up when all is well, on a machine that stays, and tell where it is",
  },
  ttl: {
    kind: "duration",
    value: "time",
    default: "8h",
    help: "how long a preview that is kept stays",
  },
  name: {
    kind: "text",
    value: "name",
    without: "pr-12 for pull request 12, mr-12 for merge request 12",
    help: "the name of a preview that is kept; the next one of that name takes its place",
  },
  host: {
    kind: "text",
    value: "name",
    without: "127.0.0.1, for this machine alone",
    help: "by what name or address others reach forwarded ports of a preview that is kept",
  },
} as const satisfies Inputs;

type LastingFlags = ValuesOf<typeof lastingInputs>;

const DEFAULT_TTL = 8 * 3_600_000;
/** Shorter, and it might be over before it is up. */
const SHORTEST_TTL = 60_000;
const LONGEST_TTL = 30 * 24 * 3_600_000;

/**
 * How a preview stays; undefined when it does not.
 *
 * @throws KubefileError USAGE
 */
export async function lastingOptions(
  flags: LastingFlags,
  { env }: Pick<CommandContext, "env">,
  now: Date = new Date(),
): Promise<LastingOptions | undefined> {
  const { keep = false, ttl = DEFAULT_TTL, host } = flags;
  if (!keep) return undefined;
  const name = flags.name ?? (await requestName(env));
  if (name === undefined) {
    throw new KubefileError("USAGE", "--keep needs a name: this run belongs to no pull or merge request", {
      hint: "add --name NAME; the next preview of that name takes its place",
    });
  }
  if (!/^[a-z0-9](?:[a-z0-9-]{0,30}[a-z0-9])?$/.test(name)) {
    throw new KubefileError("USAGE", `--name ${JSON.stringify(name)} cannot name a preview`, {
      hint: "use up to 32 lower-case letters, digits and dashes",
    });
  }
  if (ttl < SHORTEST_TTL || ttl > LONGEST_TTL) {
    throw new KubefileError("USAGE", "--ttl is less than a minute, or more than thirty days", {
      hint: "write --ttl 8h",
    });
  }
  if (host !== undefined && !/^[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?$/.test(host)) {
    throw new KubefileError("USAGE", `--host ${JSON.stringify(host)} is no name or IPv4 address of a machine`, {
      hint: "write --host runner7.example",
    });
  }
  const program = fileURLToPath(new URL("../../bin/kubefile", import.meta.url));
  return {
    name,
    runId: previewRunId(name, env),
    expires: new Date(now.getTime() + ttl).toISOString(),
    reachedAt: host,
    serveCommand: (directory) => [process.execPath, program, "serve", directory],
  };
}

/** Two projects may use one machine, and each has a request 12. */
export function previewRunId(name: string, env: Environment): string {
  const project = env.GITHUB_REPOSITORY ?? env.CI_PROJECT_PATH ?? "";
  return `${name}-${createHash("sha256").update(project).digest("hex").slice(0, 6)}`;
}

async function requestName(env: Environment): Promise<string | undefined> {
  const ref = (await sourceRevision(env))?.ref;
  if (ref?.kind === "pull request") return `pr-${ref.number}`;
  return ref?.kind === "merge request" ? `mr-${ref.number}` : undefined;
}
