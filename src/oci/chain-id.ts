import { type Digest, digestOf } from "./digest.ts";

/**
 * One name for layers in the order in which they are applied (OCI image-spec, config.md, "Layer ChainID"). Undefined for
 * none.
 *
 * @param diffIds digests of the uncompressed tars
 */
export function chainId(diffIds: readonly Digest[]): Digest | undefined {
  const [first, ...rest] = diffIds;
  return first === undefined ? undefined : rest.reduce((chain, diffId) => digestOf(`${chain} ${diffId}`), first);
}
