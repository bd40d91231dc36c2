import { stringify } from "yaml";
import type { RunnerCluster } from "./runner-cluster.ts";

/** A job of a pipeline, with everything that it extends. */
export type JobConfiguration = Readonly<Record<string, unknown>>;

export interface ExecutorJob {
  readonly name: string;
  readonly configuration: JobConfiguration;
  /** What GitLab and the project set; the first kind stands in its containers, the second in its scripts alone. */
  readonly variables: Readonly<Record<string, string>>;
  readonly secrets: Readonly<Record<string, string>>;
  /** The project's clone. */
  readonly sources: string;
  /** Archive of images, on the cluster's node, that the job's engine is to begin with. */
  readonly archive?: string;
}

export interface ExecutorResult {
  readonly exitCode: number;
  readonly log: string;
  /** What the job hands to later ones. */
  readonly outputs: Readonly<Record<string, string>>;
  /** What is in its engine when it has ended: containers, networks and volumes. */
  readonly left: readonly string[];
}

const projectDirectory = "/builds/shop/tiny";
const archives = "/archives";

/**
 * Runs a job as the Kubernetes executor of GitLab's runner does with `privileged = true` and empty directories at
 * /certs/client and /var/lib/docker: one pod, in it the job, a helper and each service, all with the same volumes and one
 * localhost, on which services have their aliases; variables that are no secrets in job and services alike; the
 * script in one shell that ends with the first command that fails, then the script for afterwards in another one.
 */
export async function runInPod(cluster: RunnerCluster, job: ExecutorJob): Promise<ExecutorResult> {
  const { name, sources, archive, configuration } = job;
  const variables = expanded({ ...job.variables, ...job.secrets, ...texts(configuration.variables) });
  const shown = Object.entries(variables).filter(([variable]) => !(variable in job.secrets));
  const pod = podOf(job, cluster.archives, Object.fromEntries(shown));
  const inBuild = async (script: string): Promise<{ exitCode: number; log: string }> => {
    const exec = ["exec", "--stdin", name, "--container", "build", "--", "bash"];
    const { exitCode, stdout, stderr } = await cluster.kubectl(exec, script);
    return { exitCode, log: stdout + stderr };
  };
  const succeed = async (script: string): Promise<string> => {
    const { exitCode, log } = await inBuild(script);
    if (exitCode !== 0) throw new Error(`${name}, exit code ${exitCode}: ${log}`);
    return log;
  };
  await must(cluster, ["apply", "--filename", "-"], stringify(pod));
  try {
    await must(cluster, ["wait", "--for=condition=Ready", `pod/${name}`, "--timeout=120s"]);
    await cluster.unpack(sources, name, "helper", projectDirectory);
    if (archive !== undefined) {
      await succeed(`${answering}\ndocker load --quiet --input ${archives}/${archive}`);
    }
    const ran = await inBuild(
      shell(variables, [...lines(configuration.before_script), ...lines(configuration.script)]),
    );
    const afterwards = await inBuild(shell(variables, lines(configuration.after_script)));
    const outputs = await succeed(`cat ${projectDirectory}/.kubefile/*/outputs.env 2>/dev/null || true`);
    return {
      exitCode: ran.exitCode,
      log: `${ran.log}${afterwards.log}`,
      outputs: Object.fromEntries(outputs.split("\n").flatMap((line) => (line === "" ? [] : [line.split("=", 2)]))),
      left:
        services(configuration).length === 0 ? [] : (await succeed(contents)).split("\n").filter((line) => line !== ""),
    };
  } finally {
    await must(cluster, ["delete", "pod", name, "--grace-period=0", "--force", "--wait=false"]);
  }
}

/** The engine beside the job may still be making its certificates. */
const answering = "for attempt in $(seq 60); do if docker version >/dev/null 2>&1; then break; fi; sleep 0.5; done";
const contents = `docker ps --all --format 'container {{.Names}}'
docker network ls --filter type=custom --format 'network {{.Name}}'
docker volume ls --format 'volume {{.Name}}'`;

/** @see https://docs.gitlab.com/runner/executors/kubernetes/ */
function podOf(
  { name, configuration }: ExecutorJob,
  archivesOnNode: string,
  variables: Readonly<Record<string, string>>,
): object {
  const directories = { repo: "/builds", "docker-certs": "/certs/client", "docker-data": "/var/lib/docker" };
  const mounts = Object.entries(directories).map(([volume, mountPath]) => ({ name: volume, mountPath }));
  const env = Object.entries(variables).map(([variable, value]) => ({ name: variable, value }));
  const image = imageName(configuration.image);
  const common = { imagePullPolicy: "IfNotPresent", stdin: true };
  const volumeMounts = [...mounts, { name: "archives", mountPath: archives, readOnly: true }];
  const beside = services(configuration);
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name },
    spec: {
      restartPolicy: "Never",
      terminationGracePeriodSeconds: 0,
      hostAliases: [
        { ip: "127.0.0.1", hostnames: beside.flatMap(({ alias }) => (alias === undefined ? [] : [alias])) },
      ],
      volumes: [
        ...Object.keys(directories).map((volume) => ({ name: volume, emptyDir: {} })),
        { name: "archives", hostPath: { path: archivesOnNode, type: "DirectoryOrCreate" } },
      ],
      containers: [
        // The job itself needs no privileges; with that setting it has them.
        { name: "build", image, command: ["sh"], env, ...common, volumeMounts },
        { name: "helper", image, command: ["sh"], ...common, volumeMounts },
        ...beside.map(({ name: serviceImage, command }, position) => ({
          ...{ name: `svc-${position}`, image: serviceImage, args: command, env, ...common, volumeMounts },
          securityContext: { privileged: true },
        })),
      ],
    },
  };
}

interface Service {
  readonly name: string;
  readonly alias: string | undefined;
  readonly command: readonly string[];
}

function services({ services: listed }: JobConfiguration): readonly Service[] {
  return list(listed).map((service) => {
    const { name, alias, command } = { name: "", alias: undefined, command: [], ...record(service) };
    return { name, alias, command: lines(command) };
  });
}

function imageName(image: unknown): string {
  return typeof image === "string" ? image : String(record(image).name);
}

/** Not even a command that reads its input gets hold of the rest of the script. */
function shell(variables: Readonly<Record<string, string>>, commands: readonly string[]): string {
  const exports = Object.entries(variables).map(([name, value]) => `export ${name}=${quoted(value)}`);
  const script = [...exports, `cd ${projectDirectory}`, ...commands].join("\n");
  return `set -eo pipefail\nexec 2>&1\n: | eval ${quoted(script)}\n`;
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

/** Puts variables that stand in others in their places; what nobody has set is empty. */
function expanded(variables: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  const expand = (text: string, depth: number): string =>
    text.replace(/\$(?:(\w+)|\{(\w+)\})/g, (_, bare: string | undefined, braced: string | undefined) =>
      depth === 0 ? "" : expand(variables[bare ?? braced ?? ""] ?? "", depth - 1),
    );
  return Object.fromEntries(Object.entries(variables).map(([name, value]) => [name, expand(value, 8)]));
}

async function must(cluster: RunnerCluster, args: readonly string[], input?: string): Promise<void> {
  const { exitCode, stderr } = await cluster.kubectl(args, input);
  if (exitCode !== 0) throw new Error(`kubectl ${args.join(" ")}: ${stderr}`);
}

function record(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null ? { ...value } : {};
}

function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function lines(value: unknown): readonly string[] {
  return list(value).map(String);
}

function texts(value: unknown): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(record(value)).map(([name, each]) => [name, String(each ?? "")]));
}
