import { KubefileError } from "../error.ts";
import { canonicalHost, isRegistryHost, type Repository } from "../oci/reference.ts";
import { readAuthEntry } from "./credentials.ts";
import { matchesLabel } from "./label-pattern.ts";
import type { Credential, CredentialSource } from "./types.ts";

/** A Secret of type `kubernetes.io/dockerconfigjson` or `kubernetes.io/dockercfg`. */
export interface PullSecret {
  readonly namespace: string;
  readonly name: string;
  readonly type: "kubernetes.io/dockerconfigjson" | "kubernetes.io/dockercfg";
  /** The JSON text, base64 undone. */
  readonly payload: string;
}

export interface PullSecretCredentials extends CredentialSource {
  /**
   * Adds a secret, or replaces the one of the same namespace and name.
   *
   * @returns the credentials in it
   * @throws KubefileError REGISTRY
   */
  addSecret(secret: PullSecret): readonly Credential[];
  /** Names, sorted, of the secrets with a credential for a repository. */
  names(repository: Repository): readonly string[];
  /** Registries that secrets name outright; patterns are left out. */
  hosts(): readonly string[];
}

interface KeyringEntry {
  readonly key: string;
  /** Of the secret. */
  readonly name: string;
  readonly credential: Credential;
}

const MAX_PAYLOAD_CHARACTERS = 1024 * 1024;
const DEFAULT_REGISTRY_KEY = "index.docker.io";

/**
 * Credentials of a cluster's pull secrets, chosen by kubelet's rules (kubernetes/pkg/credentialprovider, keyring.go):
 * keys may have a pattern in each label of the host (`*.example.com`), the port must be equal, the path is a prefix,
 * and keys are tried in reverse alphabetical order, which puts the longer of two paths first. All secrets of all
 * namespaces are one keyring here: a proxied request does not say which pod it is for.
 */
export function pullSecretCredentials(secrets: readonly PullSecret[] = []): PullSecretCredentials {
  const entriesBySecret = new Map<string, readonly KeyringEntry[]>();
  const addSecret = (secret: PullSecret): readonly Credential[] => {
    const entries = readSecret(secret);
    entriesBySecret.set(`${secret.namespace}/${secret.name}`, entries);
    return entries.map(({ credential }) => credential);
  };
  for (const secret of secrets) addSecret(secret);
  const keyring = (): KeyringEntry[] =>
    [...entriesBySecret.values()].flat().sort((a, b) => (a.key < b.key ? 1 : a.key > b.key ? -1 : 0));

  const entriesFor = (repository: Repository): readonly KeyringEntry[] => {
    const entries = keyring();
    const matched = entries.filter(({ key }) => matchesKey(key, repository));
    // Kubelet falls back to the key that docker login writes for Docker Hub.
    return matched.length === 0 && repository.host === "docker.io"
      ? entries.filter(({ key }) => key === DEFAULT_REGISTRY_KEY)
      : matched;
  };

  return {
    addSecret,
    credentials: async (repository) => entriesFor(repository).map(({ credential }) => credential),
    names: (repository) => [...new Set(entriesFor(repository).map(({ name }) => name))].sort(),
    hosts: () => [
      ...new Set(
        keyring()
          .map(({ key }) => canonicalHost(key.split("/")[0] ?? ""))
          .filter(isRegistryHost),
      ),
    ],
  };
}

/** Whether a key of a pull secret, made by `keyOf`, covers a repository. */
export function matchesKey(key: string, repository: Repository): boolean {
  const slash = key.indexOf("/");
  const keyHost = slash < 0 ? key : key.slice(0, slash);
  const keyPath = slash < 0 ? "" : key.slice(slash);
  if (!`/${repository.path}`.startsWith(keyPath)) return false;
  const wanted = splitHost(keyHost);
  const asked = splitHost(repository.host);
  return (
    wanted.port === asked.port &&
    wanted.labels.length === asked.labels.length &&
    wanted.labels.every((pattern, position) => matchesLabel(pattern, asked.labels[position] ?? ""))
  );
}

/** A key as kubelet keeps it: without scheme, and without `/v1/` or `/v2/` where a path begins with it. */
function keyOf(location: string): string {
  const [, host = "", rest = ""] = /^(?:https?:\/\/)?([^/]*)(.*)$/s.exec(location.trim()) ?? [];
  const path = rest.replace(/[?#].*$/s, "").replace(/^\/v[12]\//, "/");
  return path === "/" ? host : host + path;
}

function splitHost(host: string): { readonly labels: readonly string[]; readonly port: string } {
  const [, name = host, port = ""] = /^(.*?)(?::(\d+))?$/.exec(host) ?? [];
  return { labels: name.split("."), port };
}

function readSecret({ namespace, name, type, payload }: PullSecret): KeyringEntry[] {
  const unusable = (why: string): KubefileError =>
    new KubefileError("REGISTRY", `pull secret ${namespace}/${name} is unusable: ${why}`, {
      hint: "make it with kubectl create secret docker-registry",
    });
  if (payload.length > MAX_PAYLOAD_CHARACTERS) throw unusable("it is too large");
  let json: unknown;
  try {
    json = JSON.parse(payload);
  } catch {
    throw unusable("its payload is not JSON");
  }
  const outer = entriesOf(json);
  if (outer === undefined) throw unusable("its payload is not a JSON object");
  const auths = type === "kubernetes.io/dockercfg" ? outer : entriesOf(new Map(outer).get("auths") ?? {});
  if (auths === undefined) throw unusable("its auths are not a JSON object");
  return auths.flatMap(([location, entry]) => {
    const credential = readAuthEntry(entry);
    return credential === undefined ? [] : [{ key: keyOf(location), name, credential }];
  });
}

function entriesOf(value: unknown): [string, unknown][] | undefined {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? Object.entries(value) : undefined;
}
