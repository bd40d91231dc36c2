import { randomBytes } from "node:crypto";
import { docker } from "../../support/docker.ts";

/** What somebody else has in the engine: a container of a kind cluster with a network of its own. */
export interface Bystander {
  /** Its state at the beginning; the same later when nobody touched it. */
  readonly before: string;
  state(): Promise<string>;
  remove(): Promise<void>;
}

export async function startBystander(): Promise<Bystander> {
  const name = `bystander-${randomBytes(4).toString("hex")}`;
  const labels = ["--label", `io.x-k8s.kind.cluster=${name}`, "--label", "io.x-k8s.kind.role=control-plane"];
  const sleep = ["--entrypoint", "sleep", "kubefile-tools:dev", "3600"];
  await docker("network", "create", name);
  await docker("run", "--detach", "--init", "--name", name, "--network", name, ...labels, ...sleep);
  const state = async (): Promise<string> => {
    const container = await docker("inspect", "--format", "{{.Id}} {{.State.Status}} {{.State.StartedAt}}", name);
    const network = await docker("network", "inspect", "--format", "{{.Id}} {{json .Containers}}", name);
    return `${container}${network}`;
  };
  return {
    before: await state(),
    state,
    async remove() {
      await docker("rm", "--force", "--volumes", name);
      await docker("network", "rm", name);
    },
  };
}
