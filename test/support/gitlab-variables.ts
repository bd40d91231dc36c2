/** What GitLab sets in a job of this project, beside what gitlab-ci-local sets by itself. */
export function jobVariables(project: {
  /** CI_API_V4_URL. */
  readonly api: string;
  /** HOST:PORT of the project's container registry. */
  readonly registry: string;
  /** Its path there. */
  readonly path: string;
  readonly password: string;
}): Record<string, string> {
  const { api, registry, path, password } = project;
  return {
    GITLAB_CI: "true",
    CI_PROJECT_ID: "41",
    CI_API_V4_URL: api,
    CI_REGISTRY: registry,
    CI_REGISTRY_IMAGE: `${registry}/${path}`,
    CI_REGISTRY_USER: "gitlab-ci-token",
    CI_REGISTRY_PASSWORD: password,
  };
}
