import { readdir } from "node:fs/promises";
import { join } from "node:path";
import type { CommandContext } from "./context.ts";

/** Milliseconds; a bundle has some hundred kilobytes. */
const UPLOAD_TIMEOUT = 120_000;

/**
 * Uploads what a failed run left as an artifact of this workflow's run.
 *
 * @returns markdown that links to it, or undefined where no artifacts are to be had, as on GitHub Enterprise Server
 */
export async function uploadBundle(
  { env }: CommandContext,
  directory: string,
  name: string,
): Promise<string | undefined> {
  const { ACTIONS_RUNTIME_TOKEN: token, ACTIONS_RESULTS_URL: service } = env;
  if (!token || !service) return undefined;
  // The library reads the environment of the process, from which these are kept for the sake of its children.
  Object.assign(process.env, { ACTIONS_RUNTIME_TOKEN: token, ACTIONS_RESULTS_URL: service });
  try {
    const { DefaultArtifactClient } = await import("@actions/artifact");
    const upload = new DefaultArtifactClient().uploadArtifact(name, await filesBelow(directory), directory);
    const { id } = await withinTime(upload);
    const page = `${env.GITHUB_SERVER_URL}/${env.GITHUB_REPOSITORY}/actions/runs/${env.GITHUB_RUN_ID}/artifacts/${id}`;
    return `[${name}](${page})`;
  } finally {
    delete process.env.ACTIONS_RUNTIME_TOKEN;
    delete process.env.ACTIONS_RESULTS_URL;
  }
}

async function filesBelow(directory: string): Promise<string[]> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
}

async function withinTime<T>(work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${UPLOAD_TIMEOUT / 1_000} s`)), UPLOAD_TIMEOUT);
  });
  return await Promise.race([work, late]).finally(() => clearTimeout(timer));
}
