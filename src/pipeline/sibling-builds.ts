import type { LockedImage } from "../lock/types.ts";

/** What a build knows of the builds of the same Kubefile for other platforms, which go on one after the other. */
export interface SiblingBuilds {
  /** What names have stood for in those that are done. They stand for the same in this one, and one lock is over all. */
  readonly used: readonly LockedImage[];
  /** True when others will follow: the last one looks after the lock. */
  readonly areMore: boolean;
  /** Everything has to be in the store in the end, as an archive of all platforms will be written from it. */
  readonly bringAll: boolean;
}

export const noSiblings: SiblingBuilds = { used: [], areMore: false, bringAll: false };
