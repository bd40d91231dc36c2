import type { Grade } from "../capture/types.ts";
import type { Digest } from "../oci/digest.ts";

/**
 * Why a build needs an image. `captured`: the launch asks for it. `base`: FROM or COPY --from names it. `run`: RUN steps
 * and the launch run in it. `node`: the nodes of the rehearsal's cluster are of it.
 */
export const lockRoles = ["captured", "base", "run", "node"] as const;
export type LockRole = (typeof lockRoles)[number];

/** One entry of `kubefile.lock`: what an image's name stood for. */
export interface LockedImage {
  /** Full form: `docker.io/library/nginx:1.27`, or with a digest where it is asked for by one. */
  readonly reference: string;
  /** Of what the reference resolved to: an index or a manifest. */
  readonly digest: Digest;
  readonly role: LockRole;
  /** Of the capture; images of other roles have none. */
  readonly grade?: Grade;
}

/** What every tag of a build stood for: enough to build the same again. */
export interface Lock {
  /** In the order of role, then of reference; each once. */
  readonly images: readonly LockedImage[];
}
