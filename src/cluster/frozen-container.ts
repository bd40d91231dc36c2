import type { Engine } from "./engine.ts";

/** Thaws every cgroup of the container whose id is the first argument; where cgroups are of version 2, there is none. */
const thawProgram = `
  for state in $(find /cgroup/freezer -path "*$1*" -name freezer.state 2>/dev/null); do
    read -r found < "$state" && [ "$found" != FROZEN ] || echo THAWED > "$state"
  done
`;

/**
 * Lets the processes of containers die that the engine cannot end. In cgroups of version 1, runc freezes a container for
 * a moment while it makes it. A node that is killed in that moment leaves one of its pods frozen; what is frozen takes
 * no signal, so that the engine waits for it in vain. Does its best: whether it helped, the next removal tells.
 */
export async function thawContainers(
  engine: Engine,
  containers: readonly string[],
  signal?: AbortSignal,
): Promise<void> {
  for (const id of containers) {
    const format = "{{.Id}} {{.Image}}";
    const asked = await engine.docker(["container", "inspect", "--format", format, id], { signal, allowFailure: true });
    const [fullId, image] = asked.stdout.trim().split(" ");
    if (asked.exitCode !== 0 || fullId === undefined || image === undefined) continue;
    // The container's own image, since it is there; the cgroups are those of the engine's machine, wherever that is.
    const helper = ["run", "--rm", "--privileged", "--network", "none", "--volume", "/sys/fs/cgroup:/cgroup"];
    await engine.docker([...helper, "--entrypoint", "sh", image, "-c", thawProgram, "sh", fullId], {
      signal,
      allowFailure: true,
    });
  }
}
