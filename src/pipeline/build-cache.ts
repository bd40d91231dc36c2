import { createBuildCache } from "../cache/build-cache.ts";
import type { BuildCache } from "../cache/types.ts";
import type { Store } from "../store/types.ts";
import type { Host } from "./host.ts";
import type { BuildOptions } from "./options.ts";

/** The caches that a build was told of, with the local store. To be closed. */
export function openBuildCache(host: Host, options: BuildOptions, store: Store): BuildCache {
  const { cacheFrom: from, cacheTo: to, cacheTrust: trust, tags, platform } = options;
  for (const spec of [...from, ...to]) {
    if (spec.type === "registry") host.trustRegistry(spec.repository.host);
  }
  if (trust.writes === undefined && to.length > 0) {
    const places = to.map(({ written }) => written).join(", ");
    host.progress.note("info", `nothing is kept in ${places}: ${trust.why}`);
  }
  return createBuildCache({
    ...{ local: store, from, to, trust, platform },
    client: host.client,
    gha: host.gha,
    mountFrom: tags,
    now: () => new Date(),
    warn: (message) => host.progress.note("warning", host.redact(message)),
  });
}
