import type { Readable } from "node:stream";

/** The parts of a throw-away cluster that the pipeline and the capture see; kind.ts is one provider of them. */
export interface ClusterProvider {
  create(options: ClusterOptions): Promise<Cluster>;
}

export interface ClusterOptions {
  /** Random hex, unique to a run; names and labels everything the run makes. */
  readonly runId: string;
  /** `kindest/node:v1.34.4` or any node image, present locally or pullable by the engine. */
  readonly nodeImage: string;
  /** Path of a user's kind config that is merged under ours. */
  readonly kindConfig?: string;
  /** True when the launch brings its own CNI: kind boots without one and nothing waits for Ready nodes. */
  readonly withoutDefaultNetwork: boolean;
  readonly signal: AbortSignal;
  readonly onProgress?: (message: string) => void;
}

export interface Cluster {
  readonly name: string;
  readonly nodes: readonly ClusterNode[];
  /** A kubeconfig file of this run alone, for the host. */
  readonly kubeconfig: string;
  readonly api: KubernetesApi;
  /** Addresses of this process that nodes can reach, best first (the docker network's gateway). */
  readonly hostAddresses: readonly string[];
  /** `v1.34.4`. */
  readonly kubernetesVersion: string;
  /** Ends the connections to its API server; the cluster goes on. */
  close(): Promise<void>;
  /** Idempotent; removes nodes, network, kubeconfig and state file. */
  delete(): Promise<void>;
}

export interface ClusterNode {
  /** Container name and Kubernetes node name. */
  readonly name: string;
  readonly address: string;
  readonly role: "control-plane" | "worker";
}

/** JSON over the API server's REST interface. Paths start with `/api` or `/apis`. Errors: KubernetesApiError. */
export interface KubernetesApi {
  get<T = KubernetesObject>(path: string, options?: ApiOptions): Promise<T>;
  /** All pages of a list, with the resourceVersion to watch from. */
  list(path: string, options?: ApiOptions): Promise<{ items: KubernetesObject[]; resourceVersion: string }>;
  create<T = KubernetesObject>(path: string, body: unknown, options?: ApiOptions): Promise<T>;
  delete(path: string, options?: ApiOptions): Promise<void>;
  /** Lists, then watches; calls back for each object and change; relists by itself when the watch ends. Resolves on abort. */
  watch(path: string, onEvent: (event: WatchEvent) => void, signal: AbortSignal): Promise<void>;
  /** Text, for pod logs. */
  text(path: string, options?: ApiOptions): Promise<string>;
}

export interface ApiOptions {
  readonly signal?: AbortSignal | undefined;
  /** Milliseconds, 30,000 when absent. */
  readonly timeout?: number;
}

export interface WatchEvent {
  readonly type: "ADDED" | "MODIFIED" | "DELETED";
  readonly object: KubernetesObject;
}

export interface KubernetesObject {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly metadata: ObjectMeta;
  readonly spec?: unknown;
  readonly status?: unknown;
  readonly [field: string]: unknown;
}

export interface ObjectMeta {
  readonly name: string;
  readonly namespace?: string;
  readonly uid: string;
  readonly resourceVersion?: string;
  readonly generation?: number;
  readonly creationTimestamp?: string;
  readonly deletionTimestamp?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly ownerReferences?: readonly OwnerReference[];
  readonly managedFields?: readonly {
    readonly manager?: string;
    readonly operation?: string;
    readonly time?: string;
  }[];
}

export interface OwnerReference {
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
  readonly uid: string;
  readonly controller?: boolean;
}

/** A container that runs RUN or launch commands with the rootfs, and nothing of the runner. */
export interface CommandContainer extends AsyncDisposable {
  /** Runs a shell command line in the rootfs; output goes line by line to `onLine`. */
  exec(command: string, options: ExecOptions): Promise<{ exitCode: number; output: string }>;
  /** Puts a tar stream's entries under the rootfs. */
  copyIn(tar: Readable, options?: { signal?: AbortSignal }): Promise<void>;
  /** The rootfs as a tar stream, entries relative to it. */
  copyOut(consume: (tar: Readable) => Promise<void>, options?: { signal?: AbortSignal }): Promise<void>;
}

export interface ExecOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** Relative to the rootfs; the rootfs itself when absent. */
  readonly directory?: string;
  readonly onLine?: (line: string, stream: "stdout" | "stderr") => void;
  readonly signal: AbortSignal;
  /** Milliseconds. */
  readonly timeout: number;
}
