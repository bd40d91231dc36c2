import type { GitLabApi } from "./gitlab-api.ts";
import { GitLabRefusal } from "./gitlab-transport.ts";

export interface ReleaseText {
  /** The Git tag that is released. */
  readonly tag: string;
  readonly name: string;
  /** Markdown. */
  readonly notes: string;
}

/**
 * Makes a release of a tag, or writes the notes of the one that is there anew.
 *
 * @throws KubefileError PLATFORM
 */
export async function publishRelease(
  api: GitLabApi,
  project: string,
  { tag, name, notes }: ReleaseText,
): Promise<"created" | "updated"> {
  try {
    await api.releases.create(project, { tagName: tag, name, description: notes });
    return "created";
  } catch (error) {
    if (!(error instanceof GitLabRefusal) || error.status !== 409) throw error;
    await api.releases.edit(project, tag, { name, description: notes });
    return "updated";
  }
}
