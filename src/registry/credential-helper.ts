import type { Readable } from "node:stream";
import { KubefileError } from "../error.ts";
import { readAtMost } from "../process/read-at-most.ts";
import { run } from "../process/run.ts";
import type { Credential } from "./types.ts";

const HELPER_MILLISECONDS = 10_000;
const MAX_OUTPUT_BYTES = 64 * 1024;
const namePattern = /^[a-z0-9._-]+$/;

/** Asks `docker-credential-NAME get` about a server and returns what it printed, whatever its exit code. */
export type RunHelper = (program: string, server: string) => Promise<string>;

/**
 * The helper protocol of docker-credential-helpers: the server's name goes to stdin, JSON comes from stdout.
 *
 * @returns undefined when the helper has nothing for this server
 * @throws KubefileError REGISTRY, TOOL_MISSING, COMMAND_TIMEOUT
 */
export async function askHelper(name: string, server: string, runHelper: RunHelper): Promise<Credential | undefined> {
  if (!namePattern.test(name)) {
    throw new KubefileError("REGISTRY", `${JSON.stringify(name.slice(0, 60))} is not a name of a credential helper`, {
      hint: "credHelpers and credsStore take what follows docker-credential- in the program's name",
    });
  }
  const program = `docker-credential-${name}`;
  const output = (await runHelper(program, server)).trim();
  if (/credentials not found/i.test(output)) return undefined;
  // The output is not part of the message: it may hold the secret.
  const unusable = new KubefileError("REGISTRY", `${program} gave no credentials for ${server}`, {
    hint: `try: echo ${server} | ${program} get`,
  });
  let json: unknown;
  try {
    json = JSON.parse(output);
  } catch {
    throw unusable;
  }
  const fields = new Map<string, unknown>(typeof json === "object" && json !== null ? Object.entries(json) : []);
  const username = fields.get("Username");
  const secret = fields.get("Secret");
  if (typeof username !== "string" || typeof secret !== "string") throw unusable;
  if (secret === "") return undefined;
  return username === "<token>"
    ? { username: "", password: "", identityToken: secret }
    : { username, password: secret };
}

/** Runs helpers found on the PATH of `environment`, without a shell, for ten seconds at most. */
export function helperRunner(environment: Readonly<Record<string, string>>, signal?: AbortSignal): RunHelper {
  return async (program, server) => {
    let printed = "";
    await run(program, ["get"], {
      env: environment,
      timeout: HELPER_MILLISECONDS,
      input: `${server}\n`,
      signal,
      // "Not found" is an exit code of 1 with a sentence on stdout.
      allowFailure: true,
      output: async (stdout) => {
        printed = await readLimited(stdout, program);
      },
    });
    return printed;
  };
}

async function readLimited(stdout: Readable, program: string): Promise<string> {
  const bytes = await readAtMost(stdout, MAX_OUTPUT_BYTES);
  if (bytes !== undefined) return bytes.toString("utf8");
  throw new KubefileError("REGISTRY", `${program} printed more than ${MAX_OUTPUT_BYTES} bytes`);
}
