import type { Environment } from "./platform.ts";

/**
 * Secrets that a CI system hands to this process in its environment and that no program it starts may see: credentials
 * for registries, inputs of an action, and what lets a job write to its own cache, artifacts and requests.
 */
const hidden =
  /^(?:INPUT_.*|STATE_.*|KUBEFILE_INPUT_SECRETS|KUBEFILE_REGISTRY_AUTHS|KUBEFILE_GITHUB_TOKEN|KUBEFILE_GITLAB_TOKEN|CI_JOB_TOKEN|CI_REGISTRY_PASSWORD|CI_DEPENDENCY_PROXY_PASSWORD|CI_REPOSITORY_URL|ACTIONS_RUNTIME_TOKEN|ACTIONS_CACHE_URL|ACTIONS_RESULTS_URL)$/;

/** What credential helpers, docker and the like may see. */
export function withoutHidden(env: Environment): Record<string, string> {
  return Object.fromEntries(
    Object.entries(env).flatMap(([name, value]) => (value === undefined || hidden.test(name) ? [] : [[name, value]])),
  );
}

/** Takes the hidden ones out of an environment, so that no child inherits them; the whole of it is returned. */
export function takeEnvironment(env: NodeJS.ProcessEnv): Environment {
  const whole = { ...env };
  for (const name of Object.keys(whole)) if (hidden.test(name)) delete env[name];
  return whole;
}
