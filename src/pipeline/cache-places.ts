import { stat } from "node:fs/promises";
import { requireDirectory } from "../cache/local-cache.ts";
import { type CacheSpec, type LocalCacheSpec, placeOf, type RegistryCacheSpec } from "../cache/spec.ts";
import { KubefileError } from "../error.ts";
import type { Host } from "./host.ts";

/** A place whose records can be listed and removed. */
export type CachePlace =
  | { readonly type: "directory"; readonly name: string; readonly directory: string }
  | { readonly type: "registry"; readonly spec: RegistryCacheSpec };

/**
 * The places that are named, each once; the local store when none is.
 *
 * @throws KubefileError UNSUPPORTED for what cannot be listed, STORE_UNUSABLE for a directory that is not there
 */
export async function cachePlaces(host: Host, specs: readonly CacheSpec[]): Promise<readonly CachePlace[]> {
  const distinct = [...new Map(specs.map((spec) => [placeOf(spec), spec])).values()];
  const gha = distinct.find(({ type }) => type === "gha");
  if (gha !== undefined) throw cannotList(gha.written);
  const named = distinct.filter((spec): spec is RegistryCacheSpec | LocalCacheSpec => spec.type !== "gha");
  if (named.length === 0) {
    const { store } = host.directories;
    const isThere = (await stat(store).catch(() => undefined)) !== undefined;
    return isThere ? [{ type: "directory", name: "the local store", directory: store }] : [];
  }
  return Promise.all(
    named.map(async (spec): Promise<CachePlace> => {
      if (spec.type === "local") {
        await requireDirectory(spec.directory);
        return { type: "directory", name: spec.written, directory: spec.directory };
      }
      host.trustRegistry(spec.repository.host);
      return { type: "registry", spec };
    }),
  );
}

/** The service answers for one key at a time, and its tokens delete nothing. */
function cannotList(written: string): KubefileError {
  return new KubefileError(
    "UNSUPPORTED",
    `${written}: GitHub's cache lets a job neither list its entries nor delete any`,
    {
      hint: "use GitHub's REST API: gh cache list --key cache-, gh cache delete KEY; GitHub itself removes what was not used for a week, and what was used least when there is too much",
    },
  );
}
