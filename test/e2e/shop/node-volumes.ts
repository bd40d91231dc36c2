import { setTimeout as sleep } from "node:timers/promises";
import { docker, lines } from "../../support/docker.ts";

/** Names of the volumes that a run's node has, as soon as it is there: they are anonymous, nobody can tell later. */
export async function nodeVolumes(runId: string, ended: AbortSignal): Promise<readonly string[]> {
  const format = "{{range .Mounts}}{{if .Name}}{{println .Name}}{{end}}{{end}}";
  while (!ended.aborted) {
    const node = await docker("ps", "--quiet", "--filter", `label=io.x-k8s.kind.cluster=kubefile-${runId}`);
    if (node !== "") return lines(await docker("inspect", "--format", format, ...lines(node)));
    await sleep(200);
  }
  return [];
}
