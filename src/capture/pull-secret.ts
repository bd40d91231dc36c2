import { isRecord } from "../oci/json-record.ts";
import { fieldAt, textAt } from "./json-fields.ts";
import { manifestsIn } from "./typed-scan.ts";
import { readDocuments } from "./yaml-documents.ts";

/** A Secret that holds registry credentials. Its text must never reach a log. */
export interface PullSecret {
  /** Empty in a file that leaves it to the command that applies it. */
  readonly namespace: string;
  readonly name: string;
  /** A docker `config.json`, not yet parsed. */
  readonly dockerConfigJson: string;
}

export const pullSecretTypes = ["kubernetes.io/dockerconfigjson", "kubernetes.io/dockercfg"] as const;

/** Reads a Secret of one of the two types; undefined when it has not the field that its type demands. */
export function pullSecretOf(secret: unknown): PullSecret | undefined {
  const name = textAt(secret, "metadata", "name");
  if (name === undefined) return undefined;
  const namespace = textAt(secret, "metadata", "namespace") ?? "";
  const current = content(secret, ".dockerconfigjson");
  if (current !== undefined) return { namespace, name, dockerConfigJson: current };
  const legacy = content(secret, ".dockercfg");
  return legacy === undefined ? undefined : { namespace, name, dockerConfigJson: `{"auths":${legacy}}` };
}

/** The pull secrets among the manifests of a file. Templates, and what else is not YAML, hold none. */
export function pullSecretsIn(text: string): readonly PullSecret[] {
  if (!mayHold(text)) return [];
  return readDocuments(text, mayHold)
    .documents.flatMap(({ value }) => manifestsIn(value))
    .flatMap(({ object }) => (isPullSecret(object) ? (pullSecretOf(object) ?? []) : []));
}

function isPullSecret(object: unknown): boolean {
  const type = textAt(object, "type");
  return textAt(object, "kind") === "Secret" && pullSecretTypes.some((known) => known === type);
}

function mayHold(text: string): boolean {
  return /dockerconfigjson|dockercfg/.test(text);
}

/** As the API server reads it: plain text, which only files have, before base64. */
function content(secret: unknown, key: string): string | undefined {
  const plain = fieldAt(secret, "stringData");
  if (isRecord(plain) && typeof plain[key] === "string") return plain[key];
  const base64 = textAt(secret, "data", key);
  return base64 === undefined ? undefined : Buffer.from(base64, "base64").toString("utf8");
}
