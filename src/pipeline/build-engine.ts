import { connectEngine, type Engine } from "../cluster/engine.ts";
import { KubefileError } from "../error.ts";
import type { Plan } from "../plan/plan.ts";
import type { Host } from "./host.ts";
import type { BuildOptions } from "./options.ts";

/**
 * The engine that a build needs, or undefined when it needs none.
 *
 * @throws KubefileError ENGINE_MISSING; where only RUN needs one, with the step and what it can do without
 */
export async function engineForBuild(host: Host, options: BuildOptions, plan: Plan): Promise<Engine | undefined> {
  const connect = (): Promise<Engine> => connectEngine(host.engineEnvironment, host.signal);
  if (options.capture === "cluster") return connect();
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
