import { canaryHost } from "../cluster/canary-host.ts";
import type { Digest } from "../oci/digest.ts";
import { formatRepository, manifestReference, type Reference, type Repository } from "../oci/reference.ts";
import type { PullEvent } from "../registry/types.ts";

/** What nodes asked for under one name, and what they got. */
export interface RecordedPull {
  readonly repository: Repository;
  /** Tag or digest, as asked. */
  readonly reference: string;
  /** What it resolved to when it was last answered; undefined when it never was. */
  readonly digest: Digest | undefined;
  /** Everything it resolved to, in order of time: more than one when a tag was moved meanwhile. */
  readonly digests: readonly Digest[];
  readonly first: Date;
  readonly last: Date;
  /** Requests, HEAD and GET alike. */
  readonly count: number;
  /** Addresses of the nodes that asked, in order of first request. */
  readonly clients: readonly string[];
  /** Why the last request failed; undefined when it did not. */
  readonly failure: PullFailure | undefined;
}

export interface PullFailure {
  /** HTTP status that the node was given. */
  readonly status: number;
  /** The registry's own words, when it had any. */
  readonly message: string;
  readonly time: Date;
}

export interface PullRecorder {
  /** Takes one answered request of a node. */
  onEvent(event: PullEvent): void;
  /** In order of repository and reference. */
  pulls(): readonly RecordedPull[];
  /** Why an image cannot be pulled now: its manifest, or a blob of its repository. */
  lastFailure(reference: Reference): PullFailure | undefined;
  /** When a name was last answered for the first time. */
  readonly lastNewPullAt: Date | undefined;
}

interface Entry {
  readonly repository: Repository;
  readonly reference: string;
  readonly digests: Digest[];
  readonly first: Date;
  last: Date;
  count: number;
  readonly clients: Set<string>;
  failure: PullFailure | undefined;
}

/** Collects what the proxy answers to nodes. Requests for the canary are left out. */
export function createPullRecorder(): PullRecorder {
  const manifests = new Map<string, Entry>();
  const blobFailures = new Map<string, Map<string, PullFailure>>();
  let lastNewPullAt: Date | undefined;

  const onManifest = (event: PullEvent, repository: Repository, reference: string): void => {
    const key = pullKey(repository, reference);
    const entry: Entry = manifests.get(key) ?? {
      repository,
      reference,
      digests: [],
      first: event.time,
      last: event.time,
      count: 0,
      clients: new Set<string>(),
      failure: undefined,
    };
    manifests.set(key, entry);
    entry.count += 1;
    entry.last = event.time;
    entry.clients.add(event.client);
    if (event.status >= 400) {
      entry.failure = failureOf(event);
      return;
    }
    entry.failure = undefined;
    if (event.digest === undefined || entry.digests.at(-1) === event.digest) return;
    if (entry.digests.length === 0) lastNewPullAt = event.time;
    entry.digests.push(event.digest);
  };

  const onBlob = (event: PullEvent, repository: Repository, digest: string): void => {
    const key = formatRepository(repository);
    const failures = blobFailures.get(key) ?? new Map<string, PullFailure>();
    blobFailures.set(key, failures);
    if (event.status >= 400) failures.set(digest, failureOf(event));
    else failures.delete(digest);
  };

  return {
    onEvent(event) {
      const { repository } = event;
      if (repository === undefined || repository.host === canaryHost) return;
      const reference = event.reference ?? event.digest;
      if (reference === undefined) return;
      if (event.kind === "manifest") onManifest(event, repository, reference);
      if (event.kind === "blob") onBlob(event, repository, reference);
    },
    pulls: () =>
      [...manifests.entries()]
        .sort(([one], [other]) => (one < other ? -1 : 1))
        .map(([, entry]) => ({
          ...entry,
          digest: entry.digests.at(-1),
          digests: [...entry.digests],
          clients: [...entry.clients],
        })),
    lastFailure(reference) {
      const blobs = blobFailures.get(formatRepository(reference))?.values() ?? [];
      const entry = manifests.get(pullKey(reference, manifestReference(reference)));
      const resolved = entry?.digests.at(-1);
      const pinned = resolved === undefined ? undefined : manifests.get(pullKey(reference, resolved));
      const failures = [entry?.failure, pinned?.failure, ...blobs].filter((failure) => failure !== undefined);
      return failures.sort((one, other) => other.time.getTime() - one.time.getTime())[0];
    },
    get lastNewPullAt() {
      return lastNewPullAt;
    },
  };
}

function pullKey(repository: Repository, reference: string): string {
  return `${formatRepository(repository)} ${reference}`;
}

function failureOf(event: PullEvent): PullFailure {
  return { status: event.status, message: event.error ?? "", time: event.time };
}
