import { docker, lines } from "../../support/docker.ts";

/** Makes what an engine knows of a preview that is kept: a network with labels. */
export async function labelPreview(runId: string, expires: string): Promise<void> {
  await docker(
    ...["network", "create", "--label", `kubefile.run=${runId}`, "--label", "kubefile.keep=true"],
    ...["--label", "kubefile.preview=pr-12", "--label", `kubefile.expires=${expires}`, `kubefile-${runId}`],
  );
}

/** Ids of a run's networks. */
export async function networksOf(runId: string): Promise<readonly string[]> {
  return lines(await docker("network", "ls", "--quiet", "--filter", `label=kubefile.run=${runId}`));
}
