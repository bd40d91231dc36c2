import { canaryHost } from "../cluster/canary-host.ts";
import type { KubernetesObject, WatchEvent } from "../cluster/types.ts";
import { formatReference, tryParseReference } from "../oci/reference.ts";
import { type Baseline, imageTexts, isMirrorPod, mirrorName } from "./baseline.ts";
import { idleReason } from "./idle-reason.ts";
import type { ImageObservation, StartedContainer } from "./observation.ts";
import { controllerOf, isWorkloadOwner, nameOf, type ObjectName, type Owner, ownerChain } from "./owners.ts";
import { imagesOfPodSpec, type PodSpecImage } from "./pod-spec.ts";
import { startedContainers } from "./started-containers.ts";
import { isSuperseded } from "./superseded.ts";
import { podSpecOf } from "./template-of.ts";

/** A pod or workload that the launch caused, directly or not. */
export interface LaunchObject {
  /** As last seen. */
  readonly object: KubernetesObject;
  readonly firstSeen: Date;
  readonly deleted: boolean;
  /** It, or what made it, has given way to another template. */
  readonly superseded: boolean;
  /** Nearest first. */
  readonly owners: readonly Owner[];
}

/** Everything that watches have told of pods and workloads, seen as the launch's own. Deleted objects stay known. */
export interface LaunchObjects {
  /** Takes one event; events of different kinds may come in any order. */
  apply(event: WatchEvent): void;
  /** Whether an object, the launch's or not, was ever seen. */
  has(uid: string): boolean;
  /** The launch's objects in order of name. */
  objects(): readonly LaunchObject[];
  observations(): readonly ImageObservation[];
  startedContainers(): readonly StartedContainer[];
  /** When the launch last brought a new image, workload, generation or owner; children of CronJobs are none. */
  lastNews(): Date | undefined;
  /** What brought news after a time, the newest first. */
  newsSince(time: Date): readonly ObjectName[];
}

export interface LaunchObjectsOptions {
  readonly baseline: Baseline;
  readonly now: () => Date;
  /** Called once for each image of each object, as soon as it is known to be the launch's. */
  readonly onImage?: (observation: ImageObservation) => void;
}

interface Tracked {
  object: KubernetesObject;
  readonly firstSeen: Date;
  deleted: boolean;
  /** Of the generation, or of the object itself. */
  newsAt: Date;
  readonly images: Map<string, { readonly image: PodSpecImage; readonly firstSeen: Date; told: boolean }>;
  readonly started: Map<string, StartedContainer>;
}

/**
 * Decides what is the launch's: whatever was not there before it, except what belongs to something that was there and
 * has kept its images (a pod of coredns that is made anew is not the application's). Nothing is decided before it is
 * asked for, because an owner may be heard of after what it owns.
 */
export function createLaunchObjects({ baseline, now, onImage }: LaunchObjectsOptions): LaunchObjects {
  const tracked = new Map<string, Tracked>();
  const untold = new Set<Tracked>();
  const lookup = (uid: string): KubernetesObject | undefined => tracked.get(uid)?.object;

  const isLaunch = (object: KubernetesObject, depth = 0): boolean | "unknown" => {
    const before = baseline.images.get(object.metadata.uid);
    if (before !== undefined) return (tracked.get(object.metadata.uid)?.images.size ?? 0) > 0;
    if (isMirrorPod(object)) return !baseline.mirrorPods.has(mirrorName(object));
    if (isCanary(object)) return false;
    const owner = controllerOf(object);
    if (owner === undefined || !isWorkloadOwner(owner) || depth > 8) return true;
    const known = lookup(owner.uid);
    if (known !== undefined) return isLaunch(known, depth + 1);
    return baseline.images.has(owner.uid) ? false : "unknown";
  };

  const observe = (entry: Tracked, image: PodSpecImage): ImageObservation => {
    const owners = ownerChain(entry.object, lookup);
    const namedBy = [entry, ...owners.flatMap(({ uid }) => tracked.get(uid) ?? [])];
    const times = namedBy.flatMap(({ images }) => images.get(imageKey(image))?.firstSeen.getTime() ?? []);
    const reference = tryParseReference(image.image);
    const chain = [entry.object, ...owners.flatMap(({ uid }) => lookup(uid) ?? [])];
    const hook = chain
      .map((object) => object.metadata.annotations?.["helm.sh/hook"])
      .find((text) => text !== undefined);
    const isPod = entry.object.kind === "Pod";
    return {
      image: image.image,
      reference: reference === undefined ? undefined : formatReference(reference),
      object: nameOf(entry.object),
      container: image.container,
      role: image.role,
      from: isPod ? "pod" : "template",
      // A StatefulSet's second pod is made while another command runs than the one that has named its image.
      firstSeen: new Date(Math.min(...times)),
      owners,
      isReplaced: isReplaced(entry, image, tracked),
      ...(hook === undefined ? {} : { hook }),
      ...(isPod ? {} : { idle: idleReason(entry.object) }),
    };
  };

  const tell = (): void => {
    for (const entry of untold) {
      if (isLaunch(entry.object) !== true) continue;
      untold.delete(entry);
      for (const seen of entry.images.values()) {
        if (seen.told) continue;
        seen.told = true;
        onImage?.(observe(entry, seen.image));
      }
    }
  };

  const launched = (): readonly Tracked[] =>
    [...tracked.values()]
      .filter(({ object }) => isLaunch(object) !== false)
      .sort((one, other) => (sortKey(one.object) < sortKey(other.object) ? -1 : 1));

  return {
    apply({ type, object }) {
      const time = now();
      const entry = tracked.get(object.metadata.uid) ?? newEntry(object, time);
      tracked.set(object.metadata.uid, entry);
      if (entry.object.metadata.generation !== object.metadata.generation && object.kind !== "Pod") entry.newsAt = time;
      entry.object = object;
      entry.deleted = type === "DELETED";
      if (bringsImages(object, baseline)) {
        for (const image of imagesOfPodSpec(podSpecOf(object)?.spec)) {
          const key = imageKey(image);
          if (entry.images.has(key)) continue;
          entry.images.set(key, { image, firstSeen: time, told: false });
          untold.add(entry);
        }
      }
      for (const container of startedContainers(object)) {
        entry.started.set(`${container.role} ${container.container} ${container.imageID}`, container);
      }
      tell();
    },
    has: (uid) => tracked.has(uid),
    objects: () =>
      launched().map(({ object, firstSeen, deleted }) => ({
        object,
        firstSeen,
        deleted,
        superseded: isSuperseded(object, lookup),
        owners: ownerChain(object, lookup),
      })),
    observations: () =>
      launched().flatMap((entry) => [...entry.images.values()].map((seen) => observe(entry, seen.image))),
    startedContainers: () => launched().flatMap(({ started }) => [...started.values()]),
    lastNews: () => newsOf(launched(), lookup)[0]?.time,
    newsSince: (time) =>
      newsOf(launched(), lookup)
        .filter((news) => news.time > time)
        .map(({ object }) => nameOf(object)),
  };
}

function imageKey({ role, container, image }: PodSpecImage): string {
  return `${role} ${container} ${image}`;
}

function newEntry(object: KubernetesObject, time: Date): Tracked {
  return { object, firstSeen: time, deleted: false, newsAt: time, images: new Map(), started: new Map() };
}

/**
 * Whether something has taken the place of an image where it was named: another image there, another template, or what
 * has made a pod that is gone makes them with another image now. What is merely gone wanted its image.
 */
function isReplaced({ object, deleted }: Tracked, image: PodSpecImage, tracked: ReadonlyMap<string, Tracked>): boolean {
  if (isSuperseded(object, (uid) => tracked.get(uid)?.object)) return true;
  if (!deleted && object.metadata.deletionTimestamp === undefined) return !names(object, image);
  const owner = tracked.get(controllerOf(object)?.uid ?? "");
  return owner !== undefined && !owner.deleted && !names(owner.object, image);
}

function names(object: KubernetesObject, { role, container, image }: PodSpecImage): boolean {
  return imagesOfPodSpec(podSpecOf(object)?.spec).some(
    (now) => now.role === role && now.container === container && now.image === image,
  );
}

/** An object of the baseline counts again once its template names an image that it did not name before. */
function bringsImages(object: KubernetesObject, baseline: Baseline): boolean {
  const before = baseline.images.get(object.metadata.uid);
  return before === undefined || [...imageTexts(object)].some((image) => !before.has(image));
}

/** The pod that proves the node's way to the proxy is ours, whenever it was made. */
function isCanary(object: KubernetesObject): boolean {
  return [...imageTexts(object)].some((image) => tryParseReference(image)?.host === canaryHost);
}

interface News {
  readonly time: Date;
  readonly object: KubernetesObject;
}

/** The newest first. */
function newsOf(launched: readonly Tracked[], lookup: (uid: string) => KubernetesObject | undefined): readonly News[] {
  const firstByImage = new Map<string, News>();
  const news: News[] = [];
  for (const { object, newsAt, images } of launched) {
    const owners = ownerChain(object, lookup);
    if (owners.some(({ kind }) => kind === "CronJob")) continue;
    const owner = controllerOf(object);
    // The second replica of a known template is no news.
    if (object.kind !== "Pod" || owner === undefined || !isWorkloadOwner(owner)) news.push({ time: newsAt, object });
    for (const { image, firstSeen } of images.values()) {
      const known = firstByImage.get(image.image);
      if (known === undefined || firstSeen < known.time) firstByImage.set(image.image, { time: firstSeen, object });
    }
  }
  return [...news, ...firstByImage.values()].sort((one, other) => other.time.getTime() - one.time.getTime());
}

function sortKey(object: KubernetesObject): string {
  return [object.metadata.namespace ?? "", object.kind ?? "", object.metadata.name, object.metadata.uid].join("\0");
}
