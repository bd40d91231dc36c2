import { readFile } from "node:fs/promises";
import { parse, stringify } from "yaml";
import { errorMessage, KubefileError } from "../error.ts";
import { isRecord } from "../oci/json-record.ts";

/** What a client needs to talk to one API server. */
export interface ApiAccess {
  /** `https://127.0.0.1:40123`. */
  readonly server: string;
  readonly ca: Buffer;
  readonly certificate: Buffer;
  readonly key: Buffer;
}

/**
 * Access by the current context of a kubeconfig file with embedded certificates, as kind writes it.
 *
 * @throws KubefileError CLUSTER_FAILED
 */
export async function readKubeconfig(path: string): Promise<ApiAccess> {
  try {
    const config = parseKubeconfig(await readFile(path, "utf8"));
    const context = named(config.contexts, config["current-context"], "context").context;
    const cluster = named(config.clusters, text(context, "cluster"), "cluster").cluster;
    const user = named(config.users, text(context, "user"), "user").user;
    return {
      server: text(cluster, "server"),
      ca: Buffer.from(text(cluster, "certificate-authority-data"), "base64"),
      certificate: Buffer.from(text(user, "client-certificate-data"), "base64"),
      key: Buffer.from(text(user, "client-key-data"), "base64"),
    };
  } catch (error) {
    throw new KubefileError("CLUSTER_FAILED", `kubeconfig ${path}: ${errorMessage(error)}`, { cause: error });
  }
}

/** The same kubeconfig with every cluster's server replaced: the API server has another address inside a node. */
export function withServer(kubeconfig: string, server: string): string {
  const config = parseKubeconfig(kubeconfig);
  for (const entry of entries(config.clusters)) {
    if (isRecord(entry.cluster)) entry.cluster = { ...entry.cluster, server };
  }
  return stringify(config);
}

interface Kubeconfig extends Record<string, unknown> {
  readonly "current-context"?: unknown;
  readonly clusters?: unknown;
  readonly contexts?: unknown;
  readonly users?: unknown;
}

function parseKubeconfig(yaml: string): Kubeconfig {
  const config: unknown = parse(yaml);
  if (!isRecord(config)) throw new Error("not a mapping");
  return config;
}

function named(list: unknown, name: unknown, what: string): Record<string, unknown> {
  const found = entries(list).find((entry) => entry.name === name);
  if (found === undefined) throw new Error(`no ${what} named ${String(name)}`);
  return found;
}

function text(value: unknown, field: string): string {
  const found = isRecord(value) ? value[field] : undefined;
  if (typeof found !== "string" || found === "") throw new Error(`${field} is missing`);
  return found;
}

function entries(list: unknown): Record<string, unknown>[] {
  return Array.isArray(list) ? list.filter(isRecord) : [];
}
