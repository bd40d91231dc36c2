/** Registry name of the canary image, by which each node's way to the proxy is proved; never part of a capture. */
export const canaryHost = "kubefile.invalid";
