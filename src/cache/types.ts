import type { CapturedImage, Grade, Suggestion } from "../capture/types.ts";
import type { RootfsLayer } from "../image/assemble.ts";
import type { Digest } from "../oci/digest.ts";
import type { Repository } from "../oci/reference.ts";
import type { BlobFetcher } from "../store/types.ts";

declare const keyBrand: unique symbol;

/** A sha256 over everything that decides a result, as 64 hexadecimal digits. */
export type CacheKey = string & { readonly [keyBrand]: true };

/** One cache entry: what came of the inputs that its key stands for. */
export type CacheRecord = StepRecord | RootfsRecord | LaunchRecord;

interface RecordBase {
  readonly schemaVersion: 1;
  readonly key: CacheKey;
}

/** What one step made of the rootfs. */
export interface StepRecord extends RecordBase {
  readonly kind: "step";
  /** The instruction as it was written when it was executed, in one line; for lists alone. */
  readonly shown?: string;
  /**
   * Chain id (OCI image-spec, config.md) of the layers that the step was executed upon; absent when there were none. A
   * layer fits on no others, and two executions of one RUN may have made two.
   */
  readonly below?: Digest;
  /** Absent when the step changed nothing. */
  readonly layer?: RootfsLayer;
}

/** The finished rootfs: enough to go on without any of its layers at hand. */
export interface RootfsRecord extends RecordBase {
  readonly kind: "rootfs";
  /** Over the whole tree (rootfs/tree-digest.ts). */
  readonly tree: Digest;
  readonly layers: readonly RootfsLayer[];
  /** What the tree holds of each application, from which the launch follows (plan/launch.ts). */
  readonly apps: readonly {
    /** Relative to the rootfs. */
    readonly directory: string;
    /** Relative to the directory, sorted. */
    readonly files: readonly string[];
  }[];
}

/** What a rehearsal found, or with grade `static` what files name. */
export interface LaunchRecord extends RecordBase {
  readonly kind: "launch";
  readonly grade: Grade;
  /** Absent when there was no cluster. */
  readonly nodeImage?: string;
  readonly kubernetesVersion?: string;
  readonly images: readonly CapturedImage[];
  /** Of the images that pull secrets of the launch are for; absent when there are none. Never what is in a secret. */
  readonly pullSecrets?: readonly PullSecretNeed[];
  readonly onlyRehearsal: readonly string[];
  readonly suggestions: readonly Suggestion[];
  readonly warnings: readonly string[];
}

/** A captured image that kubelets ask for with a pull secret that the launch brings. */
export interface PullSecretNeed {
  /** One of the record's images. */
  readonly reference: string;
  /** Of the Secrets that cover its repository, by kubelet's rules; sorted. */
  readonly secrets: readonly string[];
}

export type RecordOf<Kind extends CacheRecord["kind"]> = Extract<CacheRecord, { readonly kind: Kind }>;

/** A place that keeps blobs of records. */
export interface BlobOrigin {
  /** For messages. */
  readonly name: string;
  /** When it is a repository of a registry: its blobs can be mounted into others of the same registry. */
  readonly repository?: Repository;
  fetcher(digest: Digest): BlobFetcher;
  has(digest: Digest, options: { readonly signal: AbortSignal }): Promise<boolean>;
}

export interface WriteOptions {
  readonly signal: AbortSignal;
  /** The record of this key could not be used, or was not to be (`--no-cache`): this one takes its place. */
  readonly replace?: boolean;
}

/** One place that records are read from or written to: the store itself, or a `--cache-from` or `--cache-to`. */
export interface RecordStore {
  /** As the user wrote it, for messages. */
  readonly name: string;
  /** Undefined is a miss. What is malformed, truncated or of another key is a miss as well, told by a warning. */
  read(key: CacheKey, options: { readonly signal: AbortSignal }): Promise<CacheRecord | undefined>;
  /**
   * One that is there stays, unless it is to be replaced. Sends the record's blobs first, where it keeps blobs.
   *
   * @throws RecordRefused for this one record; any other error says that the place cannot be written
   */
  write(record: CacheRecord, options: WriteOptions): Promise<"written" | "exists">;
  /** Absent where only records are kept. */
  readonly blobs?: BlobOrigin;
}

export interface FoundRecord<Kind extends CacheRecord["kind"]> {
  readonly record: RecordOf<Kind>;
  /** The name of the store that had it. */
  readonly from: string;
  /** Where its blobs may be had, nearest first; the local store is not among them. */
  readonly origins: readonly BlobOrigin[];
}

export interface FindOptions<Kind extends CacheRecord["kind"]> {
  readonly signal: AbortSignal;
  /**
   * Whether a record will do. The next place is asked when not: another may know a later rehearsal, whose tags have not
   * moved, or hold the blobs that are missing here.
   */
  readonly accepts?: (found: FoundRecord<Kind>) => Promise<boolean>;
}

/**
 * Everything a build reads and writes, with the rules of trust applied. A cache never fails a build: it warns. Only an
 * abort is thrown.
 */
export interface BuildCache {
  /**
   * Asks the nearest place first. What is found elsewhere is kept in the local store; what is found there goes, beside
   * the build, to those places that may be written and were not given it in the last days.
   */
  find<Kind extends CacheRecord["kind"]>(
    kind: Kind,
    key: CacheKey,
    options: FindOptions<Kind>,
  ): Promise<FoundRecord<Kind> | undefined>;
  /** To every place that may be written. A record's blobs are in the local store, or in a place that was read. */
  save(record: CacheRecord, options: WriteOptions): Promise<void>;
  /** Waits for what goes on beside the build. */
  close(): Promise<void>;
}
