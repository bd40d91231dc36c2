import pLimit from "p-limit";
import type { BlobOrigin } from "../cache/types.ts";
import { errorMessage, KubefileError } from "../error.ts";
import type { Digest } from "../oci/digest.ts";
import { formatRepository, type Repository } from "../oci/reference.ts";
import type { Upstream } from "../registry/types.ts";
import type { BlobFetcher, Store } from "../store/types.ts";

export interface SuppliedBlob {
  readonly digest: Digest;
  /** Bytes. */
  readonly size: number;
}

/** A blob that records name and that can be had nowhere any more. */
export class BlobLost extends KubefileError {
  constructor(digest: Digest, why: string) {
    super("STORE_CORRUPT", `blob ${digest} can be had nowhere${why === "" ? "" : `: ${why}`}`, {
      hint: "build again with --no-cache",
    });
  }
}

/** Where blobs of records are, and how they come into the store when they are needed. */
export interface BlobSupply {
  /** Blobs of these may be had there: the caches that a record was found in. */
  addOrigins(origins: readonly BlobOrigin[]): void;
  /** A registry's repository that has the blob, or had it when it was captured. */
  addUpstream(digest: Digest, repository: Repository): void;
  /** Where the result is pushed to: what it has need not be had anywhere else. */
  addDestination(repository: Repository): void;
  /** Whether the blob can be had; a stored one of another size is none, and is thrown away. */
  find(blob: SuppliedBlob, options: { readonly signal: AbortSignal }): Promise<"here" | "elsewhere" | undefined>;
  /** What `find` has found elsewhere so far. */
  isElsewhere(digest: Digest): boolean;
  /** The repositories in which `find` has found the blob. */
  holders(digest: Digest): readonly Repository[];
  /**
   * Brings a blob into the store when it is not there. One that is there is read and hashed, unless `trusting`.
   *
   * @returns whether it had to be fetched
   * @throws BlobLost
   */
  provide(blob: SuppliedBlob, options: { readonly signal: AbortSignal; readonly trusting?: boolean }): Promise<boolean>;
  /**
   * Brings an image's index or manifest into the store; false when it can be had nowhere.
   *
   * @param upstream where the image is from
   */
  provideManifest(
    digest: Digest,
    upstream: Repository | undefined,
    options: { readonly signal: AbortSignal; readonly again?: boolean },
  ): Promise<boolean>;
  /** Repositories among the origins, from which a registry may mount blobs. */
  repositories(): readonly Repository[];
}

const QUESTIONS_AT_ONCE = 16;

export function createBlobSupply({ store, client }: { readonly store: Store; readonly client: Upstream }): BlobSupply {
  const origins = new Set<BlobOrigin>();
  const upstreams = new Map<Digest, Map<string, Repository>>();
  const destinations: Repository[] = [];
  /** Where `find` has found what the store lacks; a place need not be a repository. */
  const elsewhere = new Map<Digest, Repository | undefined>();
  const limit = pLimit(QUESTIONS_AT_ONCE);

  const isStored = async ({ digest, size }: SuppliedBlob): Promise<boolean> => {
    const found = await store.has(digest);
    if (found === undefined || found.size === size) return found !== undefined;
    await store.remove(digest);
    return false;
  };

  const fetchers = (digest: Digest): BlobFetcher[] => [
    ...[...origins].map((origin) => origin.fetcher(digest)),
    ...[...(upstreams.get(digest)?.values() ?? []), ...destinations].map(
      (repository): BlobFetcher =>
        (offset, signal) =>
          client.blob(repository, digest, { offset, signal }),
    ),
  ];

  /** Asks one place after the other, the nearest first. A place that does not answer does not have it. */
  const isSomewhere = async (digest: Digest, signal: AbortSignal): Promise<boolean> => {
    const questions = [
      ...[...origins].map((origin) => ({
        repository: origin.repository,
        ask: () => origin.has(digest, { signal }),
      })),
      ...[...destinations, ...(upstreams.get(digest)?.values() ?? [])].map((repository) => ({
        repository,
        ask: async () => (await client.hasBlob(repository, digest, { signal })) !== undefined,
      })),
    ];
    for (const { repository, ask } of questions) {
      const answer = await ask().catch(() => false);
      signal.throwIfAborted();
      if (!answer) continue;
      elsewhere.set(digest, repository);
      return true;
    }
    return false;
  };

  return {
    addOrigins(found) {
      for (const origin of found) origins.add(origin);
    },
    addUpstream(digest, repository) {
      const known = upstreams.get(digest) ?? new Map<string, Repository>();
      upstreams.set(digest, known.set(formatRepository(repository), repository));
    },
    addDestination: (repository) => destinations.push(repository),
    find: (blob, { signal }) =>
      limit(async () => {
        signal.throwIfAborted();
        if (await isStored(blob)) return "here";
        return elsewhere.has(blob.digest) || (await isSomewhere(blob.digest, signal)) ? "elsewhere" : undefined;
      }),
    isElsewhere: (digest) => elsewhere.has(digest),
    holders(digest) {
      const repository = elsewhere.get(digest);
      return repository === undefined ? [] : [repository];
    },
    async provide(blob, { signal, trusting = false }) {
      if (await isStored(blob)) {
        if (trusting || (await store.verify(blob.digest))) return false;
        await store.remove(blob.digest);
      }
      let why = "";
      for (const fetcher of fetchers(blob.digest)) {
        try {
          const { size } = await store.ensure(blob.digest, fetcher, { signal });
          if (size === blob.size) return true;
          why = `it has ${size} bytes, not ${blob.size}`;
        } catch (error) {
          signal.throwIfAborted();
          why = errorMessage(error);
        }
      }
      throw new BlobLost(blob.digest, why);
    },
    provideManifest: (digest, repository, { signal, again = false }) =>
      limit(async () => {
        if (again) await store.remove(digest);
        for (const fetcher of fetchers(digest)) {
          const fetched = await store.ensure(digest, fetcher, { signal }).catch(() => undefined);
          signal.throwIfAborted();
          if (fetched !== undefined) return true;
        }
        if (repository === undefined) return false;
        const content = await client.manifest(repository, digest, { signal }).catch(() => undefined);
        signal.throwIfAborted();
        if (content === undefined) return false;
        await store.write(content.bytes, { expected: digest, signal });
        return true;
      }),
    repositories: () => [...origins].flatMap(({ repository }) => repository ?? []),
  };
}
