import { registryAuths } from "./second-repository.ts";

/** A workflow of the second repository that calls one of ours; JSON is YAML. */
export function callerOf(
  on: string,
  workflow: string,
  inputs: Readonly<Record<string, string>>,
  handsSecrets = true,
): string {
  const secrets = handsSecrets ? { secrets: { "registry-auths": `\${{ secrets.${registryAuths} }}` } } : {};
  const uses = `kubefile-ci/kubefile-ci/.github/workflows/${workflow}@v0`;
  return JSON.stringify({ on, jobs: { image: { uses, ...secrets, with: inputs } } });
}
