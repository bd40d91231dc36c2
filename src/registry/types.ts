import type { Readable } from "node:stream";
import type { Descriptor } from "../oci/descriptor.ts";
import type { Digest } from "../oci/digest.ts";
import type { Repository } from "../oci/reference.ts";
import type { KeptUploads } from "../store/kept-uploads.ts";
import type { OpenWebFile } from "./web-file.ts";

/** A user name and a password or token. `identityToken` is OAuth2's refresh token. */
export interface Credential {
  readonly username: string;
  readonly password: string;
  readonly identityToken?: string;
}

/** Where credentials come from: docker config and helpers, pull secrets. Several may fit; they are tried in order. */
export interface CredentialSource {
  credentials(repository: Repository): Promise<readonly Credential[]>;
}

export interface ManifestContent {
  readonly mediaType: string;
  readonly digest: Digest;
  readonly bytes: Buffer;
}

export interface BlobContent {
  /** Bytes of the whole blob. */
  readonly size: number;
  /** The bytes asked for, unverified when they come from an upstream. */
  readonly stream: Readable;
}

/** The reading half of a registry client: what the proxy needs from upstreams. Errors are RegistryError. */
export interface Upstream {
  /** Tag or digest to descriptor (HEAD, GET where HEAD does not tell). */
  resolve(repository: Repository, reference: string, options: RequestOptions): Promise<Descriptor>;
  /** The exact bytes, verified against `reference` when it is a digest. */
  manifest(repository: Repository, reference: string, options: RequestOptions): Promise<ManifestContent>;
  /**
   * A blob from byte `offset` on; every call asks the registry anew, because redirects expire. `size` is what a manifest
   * says of it: some registries do not tell, as when they pass on what they are still fetching themselves.
   */
  blob(repository: Repository, digest: Digest, options: BlobOptions): Promise<BlobContent>;
  /** HEAD of a blob: its size when this repository has it and we may read it. */
  hasBlob(repository: Repository, digest: Digest, options: RequestOptions): Promise<{ size: number } | undefined>;
}

export interface RequestOptions {
  readonly signal?: AbortSignal | undefined;
  /** Credentials of this one request, tried before those of the client's source (a pull secret a node presented). */
  readonly credentials?: readonly Credential[];
}

export interface BlobOptions extends RequestOptions {
  readonly offset?: number;
  /** Bytes of the whole blob, for when the registry's answer does not say. */
  readonly size?: number | undefined;
}

/** The whole client: reading and pushing (distribution-spec, end-1 to end-11). */
export interface RegistryClient extends Upstream {
  /** Whether a push may leave the blob out. A registry that lets us write but not look is taken not to have it. */
  holdsBlob(repository: Repository, digest: Digest, options: RequestOptions): Promise<boolean>;
  /** Sends a blob unless the registry has it. Says what happened. */
  pushBlob(repository: Repository, blob: BlobSource, options: PushOptions): Promise<"exists" | "mounted" | "uploaded">;
  /** Makes a blob of another repository of the same registry known in this one, without a transfer; false when it won't. */
  mountBlob(repository: Repository, digest: Digest, from: string, options: RequestOptions): Promise<boolean>;
  pushManifest(
    repository: Repository,
    reference: string,
    mediaType: string,
    bytes: Buffer,
    options: RequestOptions,
  ): Promise<void>;
  /**
   * Deletes what a tag or a digest names; a digest goes with every tag that stands for it. `refused` by a registry that
   * does not delete, or by one that deletes no tags.
   */
  deleteManifest(
    repository: Repository,
    reference: string,
    options: RequestOptions,
  ): Promise<"deleted" | "absent" | "refused">;
  tags(repository: Repository, options: RequestOptions): Promise<readonly string[]>;
  /** A file of any web server, for which no credential is used. */
  readonly webFile: OpenWebFile;
  close(): Promise<void>;
}

export interface BlobSource {
  readonly digest: Digest;
  readonly size: number;
  /** Called once for each try, with the byte to begin at: later tries go on where the registry has come to. */
  open(offset: number): Promise<Readable>;
}

export interface PushOptions extends RequestOptions {
  /** Repositories of the same registry that may hold the blob. */
  readonly mountFrom?: readonly string[];
  /** The caller has just asked, and it is not there: the first try need not ask again. */
  readonly isAbsent?: boolean;
  /** Where uploads that were begun are remembered, so that a later process goes on with them. */
  readonly keptUploads?: KeptUploads | undefined;
  /** How far into the blob this try has come; less than before when it has to begin anew. */
  readonly onProgress?: (position: number) => void;
  /** A try goes on with an upload of which the registry has so many bytes. */
  readonly onResume?: (position: number) => void;
}

/** What the embedded server answers from: the caching proxy, or an artifact's content alone. Errors are RegistryError. */
export interface ContentSource {
  manifest(repository: Repository, reference: string, options: RequestOptions): Promise<ManifestContent>;
  /** Byte range is inclusive of `start`, exclusive of `end`; the whole blob without one. */
  blob(
    repository: Repository,
    digest: Digest,
    options: RequestOptions & { readonly range?: (size: number) => { start: number; end: number } | undefined },
  ): Promise<ServedBlob>;
}

export interface ServedBlob extends BlobContent {
  readonly start: number;
  readonly end: number;
}

/** One answered request of a node, as the recorder sees it. */
export interface PullEvent {
  readonly time: Date;
  readonly kind: "manifest" | "blob" | "token" | "other";
  readonly method: string;
  readonly repository?: Repository;
  /** Tag or digest asked for. */
  readonly reference?: string;
  readonly digest?: Digest;
  readonly mediaType?: string;
  readonly status: number;
  readonly bytes: number;
  readonly milliseconds: number;
  /** Address of the node that asked. */
  readonly client: string;
  readonly error?: string;
}
