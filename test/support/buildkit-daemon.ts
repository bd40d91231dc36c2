import { execFile, spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

export interface BuildkitDaemon {
  /** What BUILDKIT_HOST is set to. */
  readonly host: string;
  /** Where `buildctl` is. */
  readonly programs: string;
  stop(): Promise<void>;
}

/** Starts a real BuildKit, with all it keeps in a temporary directory. Its socket is the only way to it. */
export async function startBuildkitDaemon(): Promise<BuildkitDaemon> {
  const { stdout } = await promisify(execFile)(fileURLToPath(new URL("../setup/buildkit", import.meta.url)));
  const programs = stdout.trim();
  const directory = await mkdtemp(join(tmpdir(), "kubefile-buildkit-"));
  const host = `unix://${directory}/buildkitd.sock`;
  const flags = ["--root", join(directory, "root"), "--oci-worker-snapshotter", "native", "--oci-worker-net", "host"];
  const daemon = spawn(join(programs, "buildkitd"), ["--addr", host, "--containerd-worker=false", ...flags], {
    env: { PATH: process.env.PATH ?? "", HOME: directory },
    stdio: ["ignore", "ignore", "pipe"],
  });
  const ended = new Promise<void>((resolve) => daemon.once("close", () => resolve()));
  const stop = async (): Promise<void> => {
    daemon.kill("SIGTERM");
    await ended;
    await rm(directory, { recursive: true, force: true });
  };
  const said: string[] = [];
  const ready = new Promise<boolean>((resolve) => {
    const lines = createInterface({ input: daemon.stderr });
    lines.on("line", (line) => {
      said.push(line);
      if (line.includes("running server on")) resolve(true);
    });
    lines.once("close", () => resolve(false));
    daemon.once("error", () => resolve(false));
  });
  if (await ready) return { host, programs, stop };
  await stop();
  throw new Error(`buildkitd does not start:\n${said.slice(-5).join("\n")}`);
}
