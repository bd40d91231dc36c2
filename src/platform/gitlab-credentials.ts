import { canonicalHost, isRegistryHost } from "../oci/reference.ts";
import type { Credential, CredentialSource } from "../registry/types.ts";

type Environment = Readonly<Record<string, string | undefined>>;

/** What a GitLab job may use without being told: the project's container registry and the group's dependency proxy. */
export interface JobCredentials extends CredentialSource {
  /** Registries that they are for, canonical. */
  readonly hosts: readonly string[];
  readonly all: readonly Credential[];
}

/**
 * Reads a job's predefined variables. A registry gets credentials by its exact name and port, never by a part of it: the
 * job's token may write to the project.
 *
 * @see https://docs.gitlab.com/ci/variables/predefined_variables/
 */
export function jobCredentials(env: Environment): JobCredentials {
  const found = new Map<string, Credential>();
  const add = (server: string | undefined, username: string | undefined, password: string | undefined): void => {
    if (!server || !username || !password || !isRegistryHost(server)) return;
    found.set(canonicalHost(server), { username, password });
  };
  if (env.GITLAB_CI === "true") {
    const { CI_DEPENDENCY_PROXY_SERVER: proxy, CI_DEPENDENCY_PROXY_USER: proxyUser } = env;
    add(proxy, proxyUser, env.CI_DEPENDENCY_PROXY_PASSWORD);
    // GitLab names the port even where it is https's own; image references leave it out.
    add(proxy?.replace(/:443$/, ""), proxyUser, env.CI_DEPENDENCY_PROXY_PASSWORD);
    add(env.CI_REGISTRY, env.CI_REGISTRY_USER, env.CI_REGISTRY_PASSWORD);
  }
  return {
    hosts: [...found.keys()],
    all: [...found.values()],
    async credentials({ host }) {
      const credential = found.get(host);
      return credential === undefined ? [] : [credential];
    },
  };
}

/** Variables of a GitLab job whose values must not be printed, whatever else is known of them. */
const secretVariables = [
  "CI_JOB_TOKEN",
  "CI_REGISTRY_PASSWORD",
  "CI_DEPENDENCY_PROXY_PASSWORD",
  "CI_DEPLOY_PASSWORD",
  "KUBEFILE_GITLAB_TOKEN",
];

export function jobSecrets(env: Environment): string[] {
  return secretVariables.flatMap((name) => env[name] || []);
}
