import { connectEngine, type Engine } from "../cluster/engine.ts";
import { enginePlatform } from "../cluster/engine-platform.ts";
import { KubefileError } from "../error.ts";
import { formatPlatform, isSamePlatform, type Platform } from "../oci/descriptor.ts";
import type { Plan } from "../plan/plan.ts";
import type { Host } from "./host.ts";
import type { BuildOptions } from "./options.ts";

/**
 * The engine that a build needs, or undefined when it needs none.
 *
 * @throws KubefileError UNSUPPORTED for a rehearsal of another platform than the engine's; ENGINE_MISSING; where only RUN needs one, with the step and what it can do without
 */
export async function engineForBuild(host: Host, options: BuildOptions, plan: Plan): Promise<Engine | undefined> {
  const connect = (): Promise<Engine> => connectEngine(host.engineEnvironment, host.signal);
  if (options.capture === "cluster") {
    const engine = await connect();
    requireOwnPlatform(options, await enginePlatform(engine, host.signal));
    return engine;
  }
  const step = plan.stages.flatMap(({ steps }) => steps).find(({ kind }) => kind === "run");
  if (step === undefined || options.run === "host") return undefined;
  return connect().catch((error: unknown) => {
    if (!(error instanceof KubefileError) || error.code !== "ENGINE_MISSING") throw error;
    throw new KubefileError("ENGINE_MISSING", `${step.shown} runs in a container, and ${error.message}`, {
      where: step.where,
      hint: "install or start a Docker Engine, or run RUN steps on this machine itself with --run=host",
      cause: error,
    });
  });
}

/** A launch under emulation proves little of the real thing, and takes hours. */
function requireOwnPlatform({ platform }: BuildOptions, own: Platform): void {
  if (isSamePlatform(platform, own)) return;
  const wanted = formatPlatform(platform);
  throw new KubefileError("UNSUPPORTED", `the engine runs ${formatPlatform(own)}, and cannot rehearse ${wanted}`, {
    hint: `build ${wanted} on a runner of that platform and join the results with \`kubefile index create\`, or read files alone with --capture static`,
  });
}
