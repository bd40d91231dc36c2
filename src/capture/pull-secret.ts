import type { KubernetesObject } from "../cluster/types.ts";
import { textAt } from "./json-fields.ts";

/** A Secret that holds registry credentials. Its text must never reach a log. */
export interface PullSecret {
  readonly namespace: string;
  readonly name: string;
  /** A docker `config.json`, not yet parsed. */
  readonly dockerConfigJson: string;
}

export const pullSecretTypes = ["kubernetes.io/dockerconfigjson", "kubernetes.io/dockercfg"] as const;

/** Reads a Secret of one of the two types; undefined when it has not the field that its type demands. */
export function pullSecretOf(secret: KubernetesObject): PullSecret | undefined {
  const { namespace = "", name } = secret.metadata;
  const current = decode(textAt(secret, "data", ".dockerconfigjson"));
  if (current !== undefined) return { namespace, name, dockerConfigJson: current };
  const legacy = decode(textAt(secret, "data", ".dockercfg"));
  return legacy === undefined ? undefined : { namespace, name, dockerConfigJson: `{"auths":${legacy}}` };
}

function decode(base64: string | undefined): string | undefined {
  return base64 === undefined ? undefined : Buffer.from(base64, "base64").toString("utf8");
}
