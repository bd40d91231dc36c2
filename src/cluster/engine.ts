import { KubefileError } from "../error.ts";
import { type RunOptions, type RunResult, run } from "../process/run.ts";

/** The variables the docker CLI gets; nothing else of the caller's environment reaches it or what it starts. */
export type EngineEnvironment = Readonly<Record<string, string>>;

/** A Docker Engine, reached through its command line. */
export interface Engine {
  readonly environment: EngineEnvironment;
  /** Runs one docker command; 60 s when no timeout is given. @throws KubefileError COMMAND_FAILED, COMMAND_TIMEOUT */
  docker(args: readonly string[], options?: EngineOptions): Promise<RunResult>;
}

export type EngineOptions = Partial<Omit<RunOptions, "env" | "cwd">>;

const passedVariables = [
  "PATH",
  "HOME",
  "DOCKER_HOST",
  "DOCKER_CONTEXT",
  "DOCKER_TLS_VERIFY",
  "DOCKER_CERT_PATH",
  "DOCKER_CONFIG",
  // What builds images: the plugin's builder, and the daemon that buildctl asks.
  "BUILDX_BUILDER",
  "BUILDX_CONFIG",
  "BUILDKIT_HOST",
  // For DOCKER_HOST=ssh://…
  "SSH_AUTH_SOCK",
  // Where rootless engines keep their socket and their client's context.
  "XDG_RUNTIME_DIR",
] as const;

const installHint =
  "install Docker Engine (https://docs.docker.com/engine/install/) and start it, or point DOCKER_HOST at one; " +
  "`kubefile build --capture static` needs none, but finds only the images that files name, and launches nothing";

const permissionHint =
  "let this user use it: `sudo usermod -aG docker $USER` and a new login (whoever may is as good as root), a rootless " +
  "engine, or DOCKER_HOST; `kubefile build --capture static` needs none, but finds only the images that files name, " +
  "and launches nothing";

/** Takes from an environment the variables that decide which engine is meant. */
export function engineEnvironment(environment: Readonly<Record<string, string | undefined>>): EngineEnvironment {
  const taken: Record<string, string> = {};
  for (const name of passedVariables) {
    const value = environment[name];
    if (value !== undefined && value !== "") taken[name] = value;
  }
  return taken;
}

/** The engine that an environment names, unasked: use `connectEngine` to know that it answers. */
export function engineFor(environment: EngineEnvironment): Engine {
  return {
    environment,
    docker: (args, options = {}) => run("docker", args, { timeout: 60_000, ...options, env: environment }),
  };
}

/** True when a Docker Engine answers. */
export async function engineAvailable(environment: EngineEnvironment, signal?: AbortSignal): Promise<boolean> {
  try {
    await connectEngine(environment, signal);
    return true;
  } catch (error) {
    if (error instanceof KubefileError && error.code === "ENGINE_MISSING") return false;
    throw error;
  }
}

/**
 * The engine of an environment, after it has answered.
 *
 * @throws KubefileError ENGINE_MISSING when there is no docker command or no engine behind it
 */
export async function connectEngine(environment: EngineEnvironment, signal?: AbortSignal): Promise<Engine> {
  const engine = engineFor(environment);
  let said: string;
  try {
    const asked = await engine.docker(["version", "--format", "{{.Server.Version}}"], {
      timeout: 20_000,
      allowFailure: true,
      signal,
    });
    if (asked.exitCode === 0 && asked.stdout.trim() !== "") return engine;
    said = asked.stderr.trim().split("\n").at(-1) ?? "";
  } catch (error) {
    if (!(error instanceof KubefileError) || error.code === "CANCELLED") throw error;
    said = error.code === "TOOL_MISSING" ? "there is no docker command on PATH" : error.message;
  }
  throw new KubefileError("ENGINE_MISSING", `no Docker Engine answers${said === "" ? "" : `: ${said}`}`, {
    hint: /permission denied/i.test(said) ? permissionHint : installHint,
  });
}
