import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Cluster, KubernetesObject } from "../cluster/types.ts";
import { errorMessage } from "../error.ts";
import type { PullEvent } from "../registry/types.ts";

export interface BundleOptions {
  /** Absolute path of the directory to make. */
  readonly directory: string;
  readonly cluster: Cluster;
  readonly pulls: readonly PullEvent[];
  /** Further files by name: the report, hosts.toml. */
  readonly files: Readonly<Record<string, string>>;
  readonly redact: (text: string) => string;
}

const COLLECT_TIMEOUT = 20_000;
const LOG_BYTES = 256 * 1024;
const MAX_LOGS = 60;
const listed = {
  pods: "/api/v1/pods",
  events: "/api/v1/events",
  nodes: "/api/v1/nodes",
  deployments: "/apis/apps/v1/deployments",
  statefulsets: "/apis/apps/v1/statefulsets",
  daemonsets: "/apis/apps/v1/daemonsets",
  jobs: "/apis/batch/v1/jobs",
};

/**
 * Keeps what somebody needs to find out why a rehearsal failed: objects, events, pod logs, the proxy's log. Secrets
 * are taken out of all of it. Never throws: the bundle is about another error, and must not replace it.
 *
 * @returns the directory, or undefined when nothing could be written
 */
export async function writeFailureBundle(options: BundleOptions): Promise<string | undefined> {
  const { directory, cluster, redact } = options;
  // The run's own signal may be why we are here; a bundle gets a time of its own.
  const signal = AbortSignal.timeout(COLLECT_TIMEOUT);
  const write = async (name: string, text: string): Promise<void> => {
    await writeFile(join(directory, name), redact(text), { mode: 0o600 });
  };
  try {
    await mkdir(join(directory, "logs"), { recursive: true, mode: 0o700 });
    for (const [name, text] of Object.entries(options.files)) await write(name, text);
    await write("proxy.log", options.pulls.map(pullLine).join(""));
    const lists = await Promise.all(
      Object.entries(listed).map(async ([name, path]) => {
        try {
          const { items } = await cluster.api.list(path, { signal });
          await write(`${name}.json`, `${JSON.stringify(items.map(withoutManagedFields), undefined, 2)}\n`);
          return name === "pods" ? items : [];
        } catch (error) {
          await write(`${name}.error`, `${errorMessage(error)}\n`);
          return [];
        }
      }),
    );
    await Promise.all(
      lists
        .flat()
        .flatMap(containersOf)
        .slice(0, MAX_LOGS)
        .map(({ pod, container }) => keepLog(pod, container)),
    );
    return directory;
  } catch {
    return undefined;
  }

  async function keepLog(pod: KubernetesObject, container: string): Promise<void> {
    const { namespace = "default", name } = pod.metadata;
    const path = `/api/v1/namespaces/${namespace}/pods/${name}/log?container=${container}&limitBytes=${LOG_BYTES}`;
    for (const [suffix, query] of [
      ["", ""],
      [".previous", "&previous=true"],
    ]) {
      const text = await cluster.api.text(`${path}${query}`, { signal }).catch(() => "");
      if (text !== "") await write(join("logs", `${namespace}.${name}.${container}${suffix}.log`), text);
    }
  }
}

function pullLine(event: PullEvent): string {
  const repository = event.repository === undefined ? "-" : `${event.repository.host}/${event.repository.path}`;
  const error = event.error === undefined ? "" : ` ${event.error}`;
  return `${event.time.toISOString()} ${event.client} ${event.method} ${event.kind} ${repository} ${event.reference ?? "-"} ${event.status} ${event.bytes}B ${Math.round(event.milliseconds)}ms${error}\n`;
}

function containersOf(pod: KubernetesObject): { pod: KubernetesObject; container: string }[] {
  const spec = pod.spec;
  if (typeof spec !== "object" || spec === null) return [];
  const groups: unknown[] = [
    "initContainers" in spec ? spec.initContainers : [],
    "containers" in spec ? spec.containers : [],
  ];
  return groups
    .flatMap((group): unknown[] => (Array.isArray(group) ? group : []))
    .flatMap((container) =>
      typeof container === "object" && container !== null && "name" in container && typeof container.name === "string"
        ? [{ pod, container: container.name }]
        : [],
    );
}

function withoutManagedFields(object: KubernetesObject): unknown {
  const { managedFields: _left, ...metadata } = object.metadata;
  return { ...object, metadata };
}
