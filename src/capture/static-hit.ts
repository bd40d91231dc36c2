import type { Location } from "../error.ts";

/** An image name found in a file of the rootfs. */
export interface StaticHit {
  /** As written. */
  readonly image: string;
  /** The full form. */
  readonly reference: string;
  /** Path relative to the rootfs. */
  readonly where: Location;
  /** What names it: `Deployment shop/web container app`, `key spec.image of Shop shop/main`. */
  readonly text: string;
}
