import { createHash } from "node:crypto";
import { type FileHandle, open, rm } from "node:fs/promises";
import { join } from "node:path";
import { errorMessage, KubefileError } from "../error.ts";
import { type Digest, finishDigest } from "../oci/digest.ts";
import { isDiskFull } from "../process/disk-full.ts";
import type { ProcessIdentity } from "../process/process-identity.ts";
import { ownedFileName } from "./file-owner.ts";
import { type Layout, publish } from "./layout.ts";

/** A blob on its way in: bytes are appended and hashed, then published under their digest or thrown away. */
export class Ingest {
  readonly path: string;
  readonly #layout: Layout;
  readonly #file: FileHandle;
  readonly #hash = createHash("sha256");
  #size = 0;

  private constructor(layout: Layout, path: string, file: FileHandle) {
    this.#layout = layout;
    this.path = path;
    this.#file = file;
  }

  /** @throws KubefileError DISK_SHORT, STORE_UNUSABLE, as all methods here do. */
  static async create(layout: Layout, owner: ProcessIdentity): Promise<Ingest> {
    const path = join(layout.ingest, ownedFileName(owner));
    const file = await open(path, "wx", 0o600).catch((error: unknown) => {
      throw storageError(layout, error);
    });
    return new Ingest(layout, path, file);
  }

  /** Bytes in the file; readers may follow up to here. */
  get size(): number {
    return this.#size;
  }

  async append(chunk: Uint8Array): Promise<void> {
    this.#hash.update(chunk);
    await this.#file.appendFile(chunk).catch((error: unknown) => {
      throw storageError(this.#layout, error);
    });
    this.#size += chunk.byteLength;
  }

  /**
   * Publishes the blob under its digest.
   *
   * @throws KubefileError STORE_CORRUPT when the bytes are not those of `expected`; they are gone then.
   */
  async commit(expected?: Digest): Promise<Digest> {
    const digest = finishDigest(this.#hash);
    if (expected !== undefined && digest !== expected) {
      await this.discard();
      throw new KubefileError("STORE_CORRUPT", `the bytes received for blob ${expected} have the digest ${digest}`, {
        hint: "the source or something on the way to it changed them; try again, then look at the registry",
      });
    }
    try {
      await this.#file.sync();
      await this.#file.close();
      await publish(this.#layout, this.path, digest);
    } catch (error) {
      await this.discard();
      throw storageError(this.#layout, error);
    }
    return digest;
  }

  /** Never throws; what it cannot remove, a later sweep does. */
  async discard(): Promise<void> {
    await this.#file.close().catch(() => undefined);
    await rm(this.path, { force: true }).catch(() => undefined);
  }
}

/** Says in words what a file system call answered. */
export function storageError(layout: Pick<Layout, "directory">, error: unknown): KubefileError {
  if (isDiskFull(error)) {
    return new KubefileError("DISK_SHORT", `no space left for the store in ${layout.directory}`, {
      hint: "free some disk space, or name a directory on a larger disk with --store",
      cause: error,
    });
  }
  return new KubefileError("STORE_UNUSABLE", `cannot use the store in ${layout.directory}: ${errorMessage(error)}`, {
    hint: "it must be a directory that this user may write; name another with --store",
    cause: error,
  });
}
