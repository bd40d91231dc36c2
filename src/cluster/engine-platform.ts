import { type Platform, platformOf } from "../oci/descriptor.ts";
import type { Engine } from "./engine.ts";

/** What an engine runs, which need not be what this machine is. @throws KubefileError COMMAND_FAILED, COMMAND_TIMEOUT */
export async function enginePlatform(engine: Engine, signal?: AbortSignal): Promise<Platform> {
  const { stdout } = await engine.docker(["version", "--format", "{{.Server.Arch}}"], { timeout: 20_000, signal });
  return platformOf(stdout.trim());
}
