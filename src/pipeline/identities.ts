import { connectEngine, type Engine } from "../cluster/engine.ts";
import { type ImageIdentity, imageIdentity } from "../cluster/image-identity.ts";
import { localNodeImages, nodeImageFor } from "../cluster/node-image.ts";
import { KubefileError } from "../error.ts";
import { lockedName } from "../lock/pins.ts";
import { tryParseReference } from "../oci/reference.ts";
import type { BuildParts } from "./build-parts.ts";
import type { Host } from "./host.ts";

/** What the images that a build would start stand for, each found out once. Undefined when nobody can tell. */
export interface ImageIdentities {
  launchContainer(): Promise<ImageIdentity | undefined>;
  nodeImage(): Promise<ImageIdentity | undefined>;
}

/** Asks the engine, when one answers, and else registries: a build that has to start nothing needs no engine. */
export function imageIdentities({
  host,
  options,
  plan,
  lock,
  upstream,
}: Pick<BuildParts, "host" | "options" | "plan" | "lock" | "upstream">): ImageIdentities {
  const { signal } = host;
  const engine = once(() => engineIfAny(host));
  const identify = async (image: string): Promise<ImageIdentity | undefined> => {
    const named = tryParseReference(image);
    if (named !== undefined) host.trustRegistry(named.host);
    return imageIdentity(image, {
      engine: await engine(),
      resolve: (reference) => upstream.resolve(reference, reference.tag ?? "latest", { signal }),
      signal,
    });
  };
  return {
    launchContainer: once(() => identify(options.runImage)),
    nodeImage: once(async () => {
      const found = await engine();
      const local = found === undefined ? [] : await localNodeImages(found, signal);
      const locked = lockedName(lock.before, "node");
      const wish = { kubeVersion: plan.kubeVersion, override: options.nodeImage, locked, local };
      try {
        return await identify(nodeImageFor(wish));
      } catch (error) {
        // Whoever boots the cluster says what is wrong with the wish.
        if (error instanceof KubefileError && ["KUBEFILE_INVALID", "NODE_IMAGE_MISSING"].includes(error.code)) return;
        throw error;
      }
    }),
  };
}

async function engineIfAny(host: Host): Promise<Engine | undefined> {
  try {
    return await connectEngine(host.engineEnvironment, host.signal);
  } catch (error) {
    if (error instanceof KubefileError && error.code === "ENGINE_MISSING") return undefined;
    throw error;
  }
}

/** What nobody could tell is asked for again: an engine may have pulled the image meanwhile. */
function once<T>(work: () => Promise<T | undefined>): () => Promise<T | undefined> {
  let result: Promise<T | undefined> | undefined;
  return async () => {
    result ??= work();
    const known = await result;
    if (known === undefined) result = undefined;
    return known;
  };
}
