import type { Location } from "../error.ts";
import type { Digest } from "../oci/digest.ts";

/** How complete a capture is known to be (design: "grade"). */
export type Grade = "ready" | "pulled" | "static";

export type ReasonSource = "pulled" | "observed" | "static" | "listed" | "inherited" | "built";

/** Why an image is in the capture. */
export interface Reason {
  readonly source: ReasonSource;
  /** One plain sentence part: "pulled by pod shop/web-0 container app". */
  readonly text: string;
  readonly where?: Location;
}

export interface CapturedImage {
  /** Full form: `docker.io/library/nginx:1.27`, `…@sha256:…`, or both. */
  readonly reference: string;
  /** Digest of what the reference resolved to: an index or a manifest. */
  readonly digest: Digest;
  readonly mediaType: string;
  /** Bytes of the selected platform: manifests, config and layers. */
  readonly size: number;
  /** Sorted by source, then text. */
  readonly reasons: readonly Reason[];
}

/** An image name found in text that nothing confirmed. */
export interface Suggestion {
  readonly reference: string;
  readonly where: Location;
  readonly why: string;
}
