/**
 * Registry name of the canary image, by which each node's way to the proxy is proved; never part of a capture. No
 * registry can have it (RFC 2606): whoever is asked for it was asked by a node of ours.
 */
export const canaryHost = "kubefile.invalid";
