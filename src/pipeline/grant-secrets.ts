import type { LaunchRecord } from "../cache/types.ts";
import { parseReference } from "../oci/reference.ts";
import { pullSecretCredentials } from "../registry/pull-secrets.ts";
import type { BuildParts } from "./build-parts.ts";

/**
 * Lets the images that a rehearsal pulled with pull secrets of the launch be asked for with these, if the secrets are in
 * files that are copied: the cluster that would hold them does not run. Each goes to the registries that it is for, by
 * kubelet's rules, and only for images that the record names.
 *
 * @returns by reference the names of the secrets for images whose secrets are in no such file
 */
export async function grantSecrets(
  { fileSecrets, grant }: BuildParts,
  { images, pullSecrets: needs = [] }: Pick<LaunchRecord, "images" | "pullSecrets">,
): Promise<ReadonlyMap<string, readonly string[]>> {
  const unknown = new Map<string, readonly string[]>();
  const captured = new Set(images.map(({ reference }) => reference));
  for (const { reference, secrets } of needs) {
    if (!captured.has(reference)) continue;
    const repository = parseReference(reference);
    const keyring = pullSecretCredentials();
    for (const { namespace, name, dockerConfigJson } of await fileSecrets()) {
      if (!secrets.includes(name)) continue;
      try {
        keyring.addSecret({ namespace, name, type: "kubernetes.io/dockerconfigjson", payload: dockerConfigJson });
      } catch {
        // One that cannot be read helps nobody; the registry's answer tells what is missing.
      }
    }
    const credentials = await keyring.credentials(repository);
    if (credentials.length > 0) grant(repository, credentials);
    else unknown.set(reference, secrets);
  }
  return unknown;
}
