import { execFile, spawn } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

export interface Containerd {
  /** Runs `ctr` against it. */
  ctr(...args: readonly string[]): Promise<{ readonly stdout: string; readonly stderr: string }>;
  /** Pulls as a node does whose only mirror is `server`. */
  pull(reference: string): Promise<{ readonly stdout: string; readonly stderr: string }>;
  close(): Promise<void>;
}

/** Starts Debian's containerd, with a `_default/hosts.toml` as nodes get it, and everything else in a temporary directory. */
export async function startContainerd(server: string, header: { name: string; value: string }): Promise<Containerd> {
  const directory = await mkdtemp(join(tmpdir(), "kubefile-containerd-"));
  const hosts = join(directory, "certs.d");
  const address = join(directory, "containerd.sock");
  await mkdir(join(hosts, "_default"), { recursive: true });
  await writeFile(
    join(hosts, "_default", "hosts.toml"),
    [
      `server = "${server}"`,
      'capabilities = ["pull", "resolve"]',
      "[header]",
      `  ${header.name} = "${header.value}"`,
      "[host]",
      "",
    ].join("\n"),
  );
  const config = join(directory, "config.toml");
  await writeFile(
    config,
    [
      "version = 2",
      `root = "${join(directory, "root")}"`,
      `state = "${join(directory, "state")}"`,
      'disabled_plugins = ["io.containerd.grpc.v1.cri"]',
      "[grpc]",
      `  address = "${address}"`,
      "",
    ].join("\n"),
  );
  const child = spawn("containerd", ["--config", config, "--log-level", "error"], { stdio: "ignore" });
  const exited = new Promise<void>((resolve) => child.once("close", () => resolve()));
  const run = promisify(execFile);
  const ctr: Containerd["ctr"] = (...args) => run("ctr", ["--address", address, ...args], { timeout: 60_000 });
  for (let tries = 0; tries < 100 && child.exitCode === null; tries += 1) {
    const isUp = await ctr("version").then(
      () => true,
      () => false,
    );
    if (isUp) break;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  return {
    ctr,
    pull: (reference) =>
      ctr("images", "pull", "--hosts-dir", hosts, "--snapshotter", "native", "--platform", "linux/amd64", reference),
    async close() {
      child.kill("SIGTERM");
      await exited;
      await rm(directory, { recursive: true, force: true });
    },
  };
}
