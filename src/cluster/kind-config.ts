import { parse, stringify } from "yaml";
import { errorMessage, KubefileError } from "../error.ts";
import { certsDirectory } from "./hosts.ts";

export interface KindConfigOptions {
  readonly withoutDefaultNetwork: boolean;
  /** How this machine calls that of the engine when it is another: clients here reach the API server by that name. */
  readonly engineHost?: string | undefined;
  /** The range of services, where it cannot be kind's own and the user names none. */
  readonly serviceSubnet?: string | undefined;
  /** The text of a user's kind config, and its name for messages. */
  readonly user?: { readonly text: string; readonly file: string } | undefined;
}

/**
 * kind's configuration for a run: the user's, with what the capture depends on laid over it. containerd reads
 * registry configuration from one directory only, whatever its version's default says. How a control plane that lives
 * for a minute starts sooner is laid under it.
 *
 * @throws KubefileError USAGE when the user's file is no kind config; UNSUPPORTED for IPv6 clusters
 */
export function kindConfig({ withoutDefaultNetwork, engineHost, serviceSubnet, user }: KindConfigOptions): string {
  const given = user === undefined ? {} : parseUserConfig(user.text, user.file);
  const { name: _name, ...kept } = given;
  const networking = record(given.networking);
  const { apiServerPort: _port, ...keptNetworking } = networking;
  return stringify({
    ...kept,
    kind: "Cluster",
    apiVersion,
    containerdConfigPatches: [...list(given.containerdConfigPatches), registryPatch],
    kubeadmConfigPatches: [
      stringify(controlPlanePatch(controlPlanes(given))),
      ...(engineHost === undefined ? [] : [stringify(certificatePatch(engineHost))]),
      stringify(kubeletPatch),
      ...list(given.kubeadmConfigPatches),
    ],
    networking: {
      ...(serviceSubnet === undefined ? {} : { serviceSubnet }),
      ...keptNetworking,
      // A port that is free here need not be there: that engine chooses.
      ...(engineHost === undefined
        ? { apiServerAddress: "127.0.0.1" }
        : { apiServerAddress: everyAddress, apiServerPort: -1 }),
      ...(withoutDefaultNetwork ? { disableDefaultCNI: true } : {}),
    },
  });
}

/** Which of the addresses of the engine's machine we come by, it alone knows. */
export const everyAddress = "0.0.0.0";

const apiVersion = "kind.x-k8s.io/v1alpha4";

const registryPatch = `[plugins."io.containerd.grpc.v1.cri".registry]\n  config_path = "${certsDirectory}"\n`;

/**
 * The controller manager's default of 20 requests a second takes it five seconds to start its controllers, without
 * which there is no ServiceAccount and no pod; a first try for the lease that comes too early costs it two more, and a
 * single control plane has nobody to share it with. kind takes this form for every version of kubeadm's configuration.
 */
function controlPlanePatch(controlPlanes: number): Record<string, unknown> {
  const alone = controlPlanes === 1 ? { "leader-elect": "false" } : {};
  return {
    kind: "ClusterConfiguration",
    controllerManager: { extraArgs: { ...alone, "kube-api-qps": "200", "kube-api-burst": "400" } },
    ...(controlPlanes === 1 ? { scheduler: { extraArgs: alone } } : {}),
  };
}

/**
 * The API server's certificate names the engine's machine, and loopback for the launch, which lives in the node. kind
 * adds the address it publishes on, and before 0.33 takes our list for its own.
 */
function certificatePatch(engineHost: string): Record<string, unknown> {
  return { kind: "ClusterConfiguration", apiServer: { certSANs: ["localhost", "127.0.0.1", engineHost] } };
}

/** Pulls come from this machine: they need not wait for one another, or for a registry that counts them. */
const kubeletPatch = { kind: "KubeletConfiguration", serializeImagePulls: false, registryPullQPS: 0 };

function controlPlanes(config: Record<string, unknown>): number {
  const nodes = list(config.nodes).map(record);
  return nodes.length === 0 ? 1 : nodes.filter(({ role }) => role === "control-plane" || role === undefined).length;
}

function parseUserConfig(text: string, file: string): Record<string, unknown> {
  let config: unknown;
  try {
    config = parse(text);
  } catch (error) {
    throw new KubefileError("USAGE", `${file} is not valid YAML: ${errorMessage(error)}`, {
      hint: "check the indentation and the quotes",
      cause: error,
    });
  }
  const given = record(config);
  if (given.kind !== "Cluster" || given.apiVersion !== apiVersion) {
    throw new KubefileError("USAGE", `${file} is not a kind config`, {
      hint: `it starts with \`kind: Cluster\` and \`apiVersion: ${apiVersion}\``,
    });
  }
  const family = record(given.networking).ipFamily;
  if (family !== undefined && family !== "ipv4") {
    throw new KubefileError("UNSUPPORTED", `${file}: networking.ipFamily ${String(family)} is not supported`, {
      hint: "leave ipFamily out; the rehearsal runs on IPv4",
    });
  }
  return given;
}

function record(value: unknown): Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? { ...value } : {};
}

function list(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}
