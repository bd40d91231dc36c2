import { readdir, readFile, readlink } from "node:fs/promises";
import { connect } from "node:net";
import { join } from "node:path";
import { docker, lines } from "../../support/docker.ts";
import { processesOf } from "../../support/home-processes.ts";
import { type CommandHome, leftovers } from "../../support/kubefile-command.ts";

/** What can be told of a run only while it lasts, to be looked for when it is over. */
export interface Traces {
  readonly runId: string;
  readonly volumes: readonly string[];
  /** Ports of this machine that the run listens on, as HOST:PORT. */
  readonly ports: readonly string[];
}

/** Notes what the runs of a home have at this moment. */
export async function takeTraces(home: CommandHome): Promise<readonly Traces[]> {
  const names = await readdir(join(home.state, "runs")).catch((): string[] => []);
  const runIds = names.filter((name) => name.endsWith(".json")).map((name) => name.slice(0, -".json".length));
  return await Promise.all(
    runIds.map(async (runId) => {
      const ids = lines(await docker("ps", "--all", "--quiet", "--filter", `name=kubefile-${runId}`));
      const format = "{{range .Mounts}}{{if .Name}}{{println .Name}}{{end}}{{end}}";
      const volumes = ids.length === 0 ? "" : await docker("inspect", "--format", format, ...ids).catch(() => "");
      return { runId, volumes: lines(volumes), ports: await listeningPorts(home) };
    }),
  );
}

/** Everything that is left of runs: containers, networks, volumes, files, processes, open ports. */
export async function findRemains(home: CommandHome, traces: readonly Traces[]): Promise<readonly string[]> {
  const volumes = new Set(lines(await docker("volume", "ls", "--quiet")));
  const ports = await Promise.all(
    traces.flatMap((trace) => trace.ports).map(async (port) => ((await answers(port)) ? [`port ${port}`] : [])),
  );
  const ingest = await readdir(join(home.store, "ingest")).catch((): string[] => []);
  return [
    ...(await leftovers(
      home,
      traces.map(({ runId }) => runId),
    )),
    ...traces.flatMap((trace) => trace.volumes.filter((name) => volumes.has(name)).map((name) => `volume ${name}`)),
    ...ports.flat(),
    ...ingest.map((name) => `partial download ${name}`),
    ...(await processesOf(home)).map(({ pid, command }) => `process ${pid} ${command}`),
  ];
}

/** proc(5), /proc/net/tcp: addresses in hexadecimal, the state 0A is LISTEN, the tenth field is the socket's inode. */
async function listeningPorts(home: CommandHome): Promise<string[]> {
  const inodes = new Set<string>();
  for (const { pid } of await processesOf(home)) {
    for (const fd of await readdir(`/proc/${pid}/fd`).catch((): string[] => [])) {
      const target = await readlink(`/proc/${pid}/fd/${fd}`).catch(() => "");
      const inode = /^socket:\[(\d+)\]$/.exec(target)?.[1];
      if (inode !== undefined) inodes.add(inode);
    }
  }
  return lines(await readFile("/proc/net/tcp", "utf8")).flatMap((line) => {
    const [, local = "", , state, , , , , , inode = ""] = line.trim().split(/\s+/);
    if (state !== "0A" || !inodes.has(inode)) return [];
    const [address = "", port = ""] = local.split(":");
    const bytes = Buffer.from(address, "hex").reverse();
    return [`${[...bytes].join(".")}:${Number.parseInt(port, 16)}`];
  });
}

async function answers(hostAndPort: string): Promise<boolean> {
  const [host = "", port = ""] = hostAndPort.split(":");
  const socket = connect({ host, port: Number(port), timeout: 1_000 });
  return await new Promise<boolean>((resolve) => {
    socket.once("connect", () => resolve(true));
    socket.once("error", () => resolve(false));
    socket.once("timeout", () => resolve(false));
  }).finally(() => socket.destroy());
}
