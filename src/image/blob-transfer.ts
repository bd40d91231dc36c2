import type { Digest } from "../oci/digest.ts";
import type { Repository } from "../oci/reference.ts";
import type { BlobSource, RegistryClient } from "../registry/types.ts";
import { keepUploads } from "../store/kept-uploads.ts";
import type { Store } from "../store/types.ts";
import { type ClusterImage, uploadsOf } from "./cluster-image.ts";
import type { MountSources } from "./mount-sources.ts";
import { forEachParallel } from "./parallel.ts";

/** Where blobs come from that the store lacks. */
export interface BlobProvider {
  /** Brings a blob into the store when it is not there; returns whether it had to be fetched. */
  provide(blob: Blob, options: { readonly signal: AbortSignal; readonly trusting: true }): Promise<boolean>;
  /** Repositories that were found to hold the blob, of any registry. */
  holders(digest: Digest): readonly Repository[];
}

export interface TransferOptions {
  readonly client: RegistryClient;
  readonly store: Store;
  /** Absent when the store holds all there is to send. */
  readonly provider?: BlobProvider | undefined;
  readonly repository: Repository;
  readonly mountSources: MountSources;
  /** Uploads at a time. */
  readonly parallel: number;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: PushProgress) => void) | undefined;
}

export type PushProgress =
  | {
      readonly stage: "looking";
      /** Asked for so far, of those that nothing is known of. */
      readonly blobs: number;
      readonly totalBlobs: number;
    }
  | {
      readonly stage: "sending";
      /** Dealt with so far, of those that the registry lacks. */
      readonly blobs: number;
      readonly totalBlobs: number;
      /** Less than before when an upload had to begin again. */
      readonly sentBytes: number;
      /** What has to be sent, as far as it is known: less than before when a blob was mounted, or an upload resumed. */
      readonly neededBytes: number;
    };

export interface Amount {
  readonly blobs: number;
  readonly bytes: number;
}

/**
 * What became of the blobs of a push. Bytes of `uploaded` were sent now; those of `resumed`, by an earlier push. `fetched`
 * had to be brought into the store first.
 */
export interface TransferAmounts {
  readonly uploaded: Amount;
  readonly fetched: Amount;
  readonly existing: Amount;
  readonly mounted: Amount;
  readonly resumed: Amount;
}

/** Brings blobs of a push to one repository, each once. */
export interface BlobTransfer {
  /** `vouched` are known to be there. All others are asked for first, so that it is known how much there is to send. */
  send(image: ClusterImage, vouched: ReadonlySet<Digest>): Promise<void>;
  /** The registry lacks a blob after all: the next `send` asks for each. */
  doubt(): void;
  /** Blobs that were there, or were mounted, although no manifest lists them: they could be collected as garbage. */
  unlisted(image: ClusterImage): readonly Blob[];
  amounts(image: ClusterImage): TransferAmounts;
}

type Blob = ReturnType<typeof uploadsOf>[number];
type Outcome = "vouched" | "found" | "mounted" | "uploaded";

/** Looks are small; sockets for them are few. */
const PARALLEL_LOOKS = 6;

export function createBlobTransfer(options: TransferOptions): BlobTransfer {
  const { client, store, provider, repository, mountSources, parallel, signal, onProgress } = options;
  const keptUploads = keepUploads(store.directory);
  const outcomes = new Map<Digest, Outcome>();
  /** What uploads of earlier pushes had brought, by blob. */
  const resumed = new Map<Digest, number>();
  const fetched = new Set<Digest>();
  let isDoubtful = false;

  const look = async (blobs: readonly Blob[]): Promise<readonly Blob[]> => {
    const absent = new Set<Blob>();
    let done = 0;
    await forEachParallel(blobs, PARALLEL_LOOKS, signal, async (blob, lookSignal) => {
      const isThere = await client.holdsBlob(repository, blob.digest, { signal: lookSignal });
      if (!isThere) absent.add(blob);
      // After doubts, what was sent before stays "uploaded": that it is there now is no news.
      else if (!outcomes.has(blob.digest)) outcomes.set(blob.digest, "found");
      done += 1;
      onProgress?.({ stage: "looking", blobs: done, totalBlobs: blobs.length });
    });
    // The order of the manifest, not that of answers.
    return blobs.filter((blob) => absent.has(blob));
  };

  const upload = async (blobs: readonly Blob[]): Promise<void> => {
    const positions = new Map<Digest, number>();
    let [done, sentBytes] = [0, 0];
    let neededBytes = blobs.reduce((sum, { size }) => sum + size, 0);
    const tell = (): void =>
      onProgress?.({ stage: "sending", blobs: done, totalBlobs: blobs.length, sentBytes, neededBytes });
    const moveTo = (digest: Digest, position: number): void => {
      sentBytes += position - (positions.get(digest) ?? 0);
      positions.set(digest, position);
      tell();
    };
    tell();
    await forEachParallel(blobs, parallel, signal, async ({ digest, size }, uploadSignal) => {
      const source: BlobSource = {
        digest,
        size,
        // Asked for when it is certain that the registry can have it from nowhere else.
        async open(offset) {
          const blob = { digest, size };
          if (await provider?.provide(blob, { signal: uploadSignal, trusting: true })) fetched.add(digest);
          return (await store.open(digest, { start: offset, end: size })).stream;
        },
      };
      const base = (): number => resumed.get(digest) ?? 0;
      const outcome = await client.pushBlob(repository, source, {
        isAbsent: true,
        mountFrom: mountSources(digest),
        keptUploads,
        signal: uploadSignal,
        onProgress: (position) => {
          // The registry has thrown away what it had.
          if (position < base()) {
            neededBytes += base();
            resumed.delete(digest);
          }
          moveTo(digest, position - base());
        },
        onResume: (position) => {
          if (positions.has(digest) || resumed.has(digest)) return;
          resumed.set(digest, position);
          neededBytes -= position;
        },
      });
      outcomes.set(digest, outcome === "exists" ? "found" : outcome);
      done += 1;
      if (outcome !== "uploaded") neededBytes -= size - base();
      moveTo(digest, outcome === "uploaded" ? size - base() : 0);
    });
  };

  return {
    async send(image, vouched) {
      const unknown = uploadsOf(image).filter(({ digest }) => isDoubtful || !outcomes.has(digest));
      const isVouched = ({ digest }: Blob): boolean => !isDoubtful && vouched.has(digest);
      for (const { digest } of unknown.filter(isVouched)) outcomes.set(digest, "vouched");
      const absent = await look(unknown.filter((blob) => !isVouched(blob)));
      if (absent.length > 0) await upload(absent);
    },
    doubt() {
      isDoubtful = true;
      for (const [digest, outcome] of outcomes) if (outcome === "vouched") outcomes.delete(digest);
    },
    unlisted: (image) =>
      uploadsOf(image).filter(({ digest }) => ["found", "mounted"].includes(outcomes.get(digest) ?? "")),
    amounts(image) {
      const those = (chosen: readonly Outcome[]): readonly Blob[] =>
        uploadsOf(image).filter(({ digest }) => chosen.some((outcome) => outcome === outcomes.get(digest)));
      const sum = (blobs: readonly Blob[], bytes: (blob: Blob) => number): Amount => ({
        blobs: blobs.length,
        bytes: blobs.reduce((total, blob) => total + bytes(blob), 0),
      });
      const before = ({ digest }: Blob): number => resumed.get(digest) ?? 0;
      const uploaded = those(["uploaded"]);
      return {
        uploaded: sum(uploaded, (blob) => blob.size - before(blob)),
        fetched: sum(
          uploaded.filter(({ digest }) => fetched.has(digest)),
          ({ size }) => size,
        ),
        existing: sum(those(["vouched", "found"]), ({ size }) => size),
        mounted: sum(those(["mounted"]), ({ size }) => size),
        resumed: sum(
          uploaded.filter((blob) => before(blob) > 0),
          before,
        ),
      };
    },
  };
}
