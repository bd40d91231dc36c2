import { formatObject, type ObjectName, type Owner } from "./owners.ts";
import { containerText, type ImageRole } from "./pod-spec.ts";

/** One image that one object of the launch names. */
export interface ImageObservation {
  /** As written. */
  readonly image: string;
  /** The full form; undefined when the text is no image reference. */
  readonly reference: string | undefined;
  readonly object: ObjectName;
  /** Name of the container, or of the image volume. */
  readonly container: string;
  readonly role: ImageRole;
  readonly from: "pod" | "template";
  /** When the object, or what made it, was first seen to name the image. */
  readonly firstSeen: Date;
  /** Nearest first; as far as known when asked. */
  readonly owners: readonly Owner[];
  /** Something has taken its place since: the object has another image now, or another template. */
  readonly isReplaced: boolean;
  /** Helm's hook annotation of the object or of a workload above it: `pre-install,pre-upgrade`. */
  readonly hook?: string;
  /** Why a template has no pod: `selects no node`. */
  readonly idle?: string;
}

/** A container that has run, or could have: a kubelet has resolved its image. */
export interface StartedContainer {
  readonly pod: ObjectName;
  readonly container: string;
  readonly role: ImageRole;
  /** As the pod spec writes it. */
  readonly image: string;
  /** As the container runtime tells it: `docker.io/library/web@sha256:…` or `sha256:…`. */
  readonly imageID: string;
}

/** What names the image: `pod shop/web-0 container app`. */
export function subjectOf(seen: ImageObservation): string {
  return `${formatObject(seen.object)} ${containerText(seen)}`;
}
