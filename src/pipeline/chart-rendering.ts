import { join } from "node:path";
import { isExecutable } from "../cluster/tool-download.ts";
import { run } from "../process/run.ts";

/** What a chart renders to with its own values; undefined when it cannot be rendered. */
export type RenderChart = (directory: string) => Promise<string | undefined>;

const RENDER_TIMEOUT = 60_000;

/** What a chart, which is hostile input to helm as to us, gets to know of this machine. */
const environment = { PATH: "/nonexistent", HOME: "/nonexistent", KUBECONFIG: "/nonexistent" };

/**
 * Renders charts with the helm of this machine, when it has one: only a better guess at what a launch will apply, since
 * the rehearsal sees what it really does. helm gets no environment, no home and no cluster.
 */
export async function chartRenderer(searchPath: string, signal: AbortSignal): Promise<RenderChart | undefined> {
  const helm = await findHelm(searchPath);
  if (helm === undefined) return undefined;
  return async (chart) => {
    const rendered = await run(helm, ["template", "release", chart], {
      env: environment,
      timeout: RENDER_TIMEOUT,
      allowFailure: true,
      signal,
    });
    return rendered.exitCode === 0 ? rendered.stdout : undefined;
  };
}

/** The version of this machine's helm, which charts are rendered with; undefined without one. */
export async function helmVersion(searchPath: string, signal: AbortSignal): Promise<string | undefined> {
  const helm = await findHelm(searchPath);
  if (helm === undefined) return undefined;
  const asked = await run(helm, ["version", "--short"], {
    env: environment,
    timeout: RENDER_TIMEOUT,
    allowFailure: true,
    signal,
  });
  return asked.stdout.trim();
}

async function findHelm(searchPath: string): Promise<string | undefined> {
  for (const directory of searchPath.split(":")) {
    const helm = join(directory, "helm");
    if (directory !== "" && (await isExecutable(helm))) return helm;
  }
  return undefined;
}
