import { join } from "node:path";
import { isExecutable } from "../cluster/tool-download.ts";
import { run } from "../process/run.ts";

/** What a chart renders to with its own values; undefined when it cannot be rendered. */
export type RenderChart = (directory: string) => Promise<string | undefined>;

const RENDER_TIMEOUT = 60_000;

/**
 * Renders charts with the helm of this machine, when it has one: only a better guess at what a launch will apply, since
 * the rehearsal sees what it really does. A chart is hostile input to helm as to us, so helm gets no environment, no
 * home and no cluster.
 */
export async function chartRenderer(searchPath: string, signal: AbortSignal): Promise<RenderChart | undefined> {
  for (const directory of searchPath.split(":")) {
    const helm = join(directory, "helm");
    if (directory === "" || !(await isExecutable(helm))) continue;
    return async (chart) => {
      const rendered = await run(helm, ["template", "release", chart], {
        env: { PATH: "/nonexistent", HOME: "/nonexistent", KUBECONFIG: "/nonexistent" },
        timeout: RENDER_TIMEOUT,
        allowFailure: true,
        signal,
      });
      return rendered.exitCode === 0 ? rendered.stdout : undefined;
    };
  }
  return undefined;
}
