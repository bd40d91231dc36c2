import { CNI_LABEL } from "../image/sealer-labels.ts";

/** Set by a build with --no-default-cni. */
export const OWN_NETWORK_LABEL = "io.kubefile.own-network";

/** True when a launch makes the pod network itself, as an image's labels tell: CNI, sealer's label, --no-default-cni. */
export function bringsNetwork(labels: Readonly<Record<string, string>>): boolean {
  return Object.keys(labels).some((label) => label.startsWith(CNI_LABEL)) || labels[OWN_NETWORK_LABEL] === "true";
}
