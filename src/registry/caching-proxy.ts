import type { Descriptor } from "../oci/descriptor.ts";
import { type Digest, isDigest } from "../oci/digest.ts";
import { formatRepository, type Repository } from "../oci/reference.ts";
import type { BlobFetcher, Store } from "../store/types.ts";
import { unlessAborted } from "../store/wait.ts";
import { RegistryError } from "./errors.ts";
import { manifestMediaType, readManifest, refuseForeignLayers } from "./manifest-facts.ts";
import { Membership } from "./membership.ts";
import { createSingleFlight } from "./single-flight.ts";
import type { ContentSource, ManifestContent, RequestOptions, Upstream } from "./types.ts";

export interface CachingProxyOptions {
  readonly store: Store;
  readonly upstream: Upstream;
  /** Ends what is asked of upstreams; a client that leaves does not, since others may wait for the same. */
  readonly signal?: AbortSignal;
}

export interface CachingProxy extends ContentSource {
  /** What each tag asked for so far (`docker.io/library/nginx:1.27`) stands for; it never changes within a run. */
  readonly resolved: ReadonlyMap<string, Descriptor>;
  /** Waits until a blob of the repository is whole in the store. */
  ensureBlob(repository: Repository, digest: Digest, options: RequestOptions): Promise<{ readonly size: number }>;
}

/**
 * Serves content of any registry out of the store, fetching once what is not there. Tags are resolved once a run, so
 * that all nodes see one state of the world; content by digest is served without asking upstream again as soon as its
 * repository is known to hold it. Failures are not remembered.
 */
export function createCachingProxy({ store, upstream, signal }: CachingProxyOptions): CachingProxy {
  const membership = new Membership();
  const resolved = new Map<string, Descriptor>();
  const contentTypes = new Map<Digest, string>();
  const resolveOnce = createSingleFlight<Descriptor>();
  const fetchOnce = createSingleFlight<Buffer>();

  /** Of a request to upstream: with the asking client's credentials, and a life of its own. */
  const upstreamOptions = ({ credentials = [] }: RequestOptions): RequestOptions => ({ signal, credentials });

  const resolveTag = async (repository: Repository, tag: string, options: RequestOptions): Promise<Descriptor> => {
    const name = `${formatRepository(repository)}:${tag}`;
    return (
      resolved.get(name) ??
      resolveOnce(name, async () => {
        const descriptor = await upstream.resolve(repository, tag, upstreamOptions(options));
        contentTypes.set(descriptor.digest, descriptor.mediaType);
        await manifestBytes(repository, descriptor.digest, options, "proven");
        resolved.set(name, descriptor);
        return descriptor;
      })
    );
  };

  /** A manifest's bytes out of the store, put there first. The repository is known to hold it afterwards. */
  const manifestBytes = (
    repository: Repository,
    digest: Digest,
    options: RequestOptions,
    membershipIs: "proven" | "open",
  ): Promise<Buffer> =>
    fetchOnce(`${formatRepository(repository)}@${digest}`, async () => {
      const bytes = (await store.has(digest)) === undefined ? undefined : await store.readSmall(digest);
      if (bytes === undefined) {
        const content = await upstream.manifest(repository, digest, upstreamOptions(options));
        contentTypes.set(digest, content.mediaType);
        await store.write(content.bytes, { expected: digest });
        membership.addManifest(repository, digest, content.bytes);
        return content.bytes;
      }
      if (membershipIs === "open" && !membership.hasManifest(repository, digest)) {
        const found = await upstream.resolve(repository, digest, upstreamOptions(options));
        contentTypes.set(digest, found.mediaType);
      }
      membership.addManifest(repository, digest, bytes);
      return bytes;
    });

  const proveBlob = async (repository: Repository, digest: Digest, options: RequestOptions): Promise<void> => {
    if (membership.hasBlob(repository, digest)) return;
    const found = await upstream.hasBlob(repository, digest, upstreamOptions(options));
    if (found === undefined) {
      throw new RegistryError(404, "BLOB_UNKNOWN", `${formatRepository(repository)} has no blob ${digest}`);
    }
    membership.addBlob(repository, digest, found.size);
  };

  const fetcher =
    (repository: Repository, digest: Digest, options: RequestOptions): BlobFetcher =>
    async (offset, flightSignal) =>
      upstream.blob(repository, digest, {
        ...upstreamOptions(options),
        signal: signal === undefined ? flightSignal : AbortSignal.any([signal, flightSignal]),
        offset,
        size: membership.sizeOf(repository, digest),
      });

  return {
    resolved,

    async manifest(repository, reference, options) {
      const find = async (): Promise<ManifestContent> => {
        const digest = isDigest(reference) ? reference : (await resolveTag(repository, reference, options)).digest;
        const bytes = await manifestBytes(repository, digest, options, "open");
        const mediaType = manifestMediaType(bytes, contentTypes.get(digest));
        const manifest = readManifest(bytes, mediaType);
        if (manifest !== undefined) refuseForeignLayers(manifest, `${formatRepository(repository)}@${digest}`);
        return { mediaType, digest, bytes };
      };
      return unlessAborted(find(), options.signal);
    },

    async blob(repository, digest, options) {
      await unlessAborted(proveBlob(repository, digest, options), options.signal);
      const { size, range, stream } = await store.fetch(digest, fetcher(repository, digest, options), {
        ...(options.range === undefined ? {} : { range: options.range }),
        ...(options.signal === undefined ? {} : { signal: options.signal }),
      });
      return { size, stream, start: range.start, end: range.end };
    },

    async ensureBlob(repository, digest, options) {
      await unlessAborted(proveBlob(repository, digest, options), options.signal);
      return store.ensure(digest, fetcher(repository, digest, options), options);
    },
  };
}
