import { homedir } from "node:os";
import { join } from "node:path";
import { helperRunner } from "../registry/credential-helper.ts";
import { combineCredentials, noCredentials } from "../registry/credentials.ts";
import { dockerConfigCredentials } from "../registry/docker-config.ts";
import { parseRegistryAuths } from "../registry/registry-auths.ts";
import type { Credential, CredentialSource } from "../registry/types.ts";
import { jobCredentials } from "./gitlab-credentials.ts";
import { withoutHidden } from "./hidden-variables.ts";
import type { Environment } from "./platform.ts";

export interface RunCredentials extends CredentialSource {
  /** Registries that somebody named by giving credentials for them, canonical. */
  readonly hosts: readonly string[];
  /** Those that stand in files; helpers are asked when they are needed. */
  readonly stored: readonly Credential[];
  /** Those that the CI system handed over: its log does not know them yet. */
  readonly handed: readonly Credential[];
}

/** Where the secret `registry-auths` is: an action's input, or a variable of any other job. */
const secretVariables = ["INPUT_REGISTRY-AUTHS", "KUBEFILE_REGISTRY_AUTHS"];

/**
 * What this process may use at registries: the CI system's secret first, then what `docker login` left on the machine or
 * DOCKER_AUTH_CONFIG holds, then what a GitLab job has of its own.
 *
 * @throws KubefileError USAGE, REGISTRY for a secret or a file that cannot be read
 */
export async function runCredentials(options: {
  readonly env: Environment;
  readonly signal: AbortSignal;
  /** Told of helpers that fail; the search goes on. */
  readonly onProblem: (problem: unknown) => void;
}): Promise<RunCredentials> {
  const { env, signal, onProblem } = options;
  const secret = secretVariables.map((name) => env[name]).find(Boolean);
  const handed = secret ? parseRegistryAuths(secret, "registry-auths") : { ...noCredentials, hosts: [], all: [] };
  const dockerConfig = await dockerConfigCredentials({
    directory: env.DOCKER_CONFIG ?? join(env.HOME ?? homedir(), ".docker"),
    ...(env.REGISTRY_AUTH_FILE === undefined ? {} : { authFile: env.REGISTRY_AUTH_FILE }),
    ...(env.DOCKER_AUTH_CONFIG ? { inline: { name: "DOCKER_AUTH_CONFIG", text: env.DOCKER_AUTH_CONFIG } } : {}),
    // Helpers of cloud registries read that cloud's own variables: they get what docker would give them.
    runHelper: helperRunner(withoutHidden(env), signal),
    onProblem,
  });
  const ofJob = jobCredentials(env);
  return {
    ...combineCredentials(handed, dockerConfig, ofJob),
    hosts: [...handed.hosts, ...dockerConfig.hosts(), ...ofJob.hosts],
    stored: [...dockerConfig.stored, ...ofJob.all],
    handed: handed.all,
  };
}
