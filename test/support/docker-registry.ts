import { execFile, spawn } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { promisify } from "node:util";
import { toolPath } from "./tool-path.ts";

export interface DockerRegistryOptions {
  /** Which distribution: Debian's 2.8 when absent, or the current one that test/setup/tools provides. */
  readonly distribution?: 2 | 3;
  /** Whether it deletes manifests; true when absent. */
  readonly deletes?: boolean;
  /** Asks for this name and password by HTTP Basic; anonymous without it. */
  readonly auth?: { readonly username: string; readonly password: string };
  /** Leaves authorization to a token service (distribution's `auth.token`); `rootcertbundle` is a file name. */
  readonly token?: {
    readonly realm: string;
    readonly service: string;
    readonly issuer: string;
    readonly rootcertbundle: string;
  };
  /** Address to listen on; loopback when absent. */
  readonly address?: string;
  /** A port of the caller's choice; a free one when absent. */
  readonly port?: number;
  /** Serves https. File names. */
  readonly tls?: { readonly certificate: string; readonly key: string };
}

export interface DockerRegistry {
  /** `http://127.0.0.1:PORT`. */
  readonly url: string;
  /** `127.0.0.1:PORT`, as image references write it. */
  readonly host: string;
  readonly port: number;
  /** Directory of the registry's file system driver. */
  readonly storage: string;
  /** The request lines logged so far, one access-log line each. */
  readonly log: readonly string[];
  stop(): Promise<void>;
}

/** Starts a real registry (distribution) with storage and configuration in a temporary directory. */
export async function startDockerRegistry(options: DockerRegistryOptions = {}): Promise<DockerRegistry> {
  const directory = await mkdtemp(join(tmpdir(), "kubefile-registry-"));
  const storage = join(directory, "storage");
  const address = options.address ?? "127.0.0.1";
  const auth = options.auth;
  if (auth !== undefined) {
    const { stdout } = await promisify(execFile)("htpasswd", ["-Bbn", auth.username, auth.password]);
    await writeFile(join(directory, "htpasswd"), `${stdout.trim()}\n`);
  }
  // The registry takes its configuration as YAML, of which JSON is a part.
  const configuration = {
    version: 0.1,
    log: { level: "info", formatter: "text" },
    storage: { filesystem: { rootdirectory: storage }, delete: { enabled: options.deletes ?? true } },
    http: {
      addr: `${address}:${options.port ?? 0}`,
      ...(options.tls === undefined ? {} : { tls: { certificate: options.tls.certificate, key: options.tls.key } }),
    },
    ...(options.token === undefined ? {} : { auth: { token: options.token } }),
    ...(auth === undefined ? {} : { auth: { htpasswd: { realm: "test", path: join(directory, "htpasswd") } } }),
  };
  const file = join(directory, "config.yml");
  await writeFile(file, JSON.stringify(configuration));

  const program = options.distribution === 3 ? await toolPath("registry") : "docker-registry";
  const child = spawn(program, ["serve", file], {
    // Without it the current one looks for a collector of traces.
    env: { ...process.env, OTEL_TRACES_EXPORTER: "none" },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const exited = new Promise<void>((resolve) => child.once("close", () => resolve()));
  // A test run that is broken off leaves no registry behind.
  const kill = (): boolean => child.kill("SIGKILL");
  process.once("exit", kill);
  const log: string[] = [];
  const port = await new Promise<number>((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", (code) => reject(new Error(`docker-registry ended with ${code}: ${log.slice(-3).join("\n")}`)));
    for (const stream of [child.stdout, child.stderr]) {
      createInterface({ input: stream }).on("line", (line) => {
        log.push(line);
        const listening = /listening on [^ "]*:(\d+)/.exec(line);
        if (listening?.[1] !== undefined) resolve(Number(listening[1]));
      });
    }
  });
  const host = `${address}:${port}`;
  return {
    url: `${options.tls === undefined ? "http" : "https"}://${host}`,
    host,
    port,
    storage,
    log,
    async stop() {
      kill();
      process.off("exit", kill);
      await exited;
      await rm(directory, { recursive: true, force: true });
    },
  };
}
