import type { Readable } from "node:stream";
import type { Platform } from "../oci/descriptor.ts";
import type { Reference } from "../oci/reference.ts";

/** An image of the launch that no registry has yet: what it is to be called, and what it is built from. */
export interface ImageBuild {
  /** The name that manifests use, with a tag. */
  readonly reference: Reference;
  /** Absolute path of the directory that its Dockerfile may read. */
  readonly context: string;
  /** The Dockerfile, relative to that directory. */
  readonly dockerfile: string;
  /** How messages name the Dockerfile. */
  readonly shown: string;
  /** The stage to build; the last one when absent. */
  readonly target: string | undefined;
  readonly arguments: ReadonlyMap<string, string>;
}

export interface BuildUse {
  readonly platform: Platform;
  /** Seconds since 1970: what the image says of its time, so that the same sources give the same bytes. */
  readonly epoch: number;
  /** Takes the tar of an OCI image layout as the builder writes it. */
  readonly output: (layout: Readable) => Promise<void>;
  /** Each line that the builder prints. */
  readonly onLine: (line: string) => void;
  readonly signal: AbortSignal;
}

/**
 * Builds images from Dockerfiles. Nothing is pushed, and no file is left: the result goes by a stream.
 *
 * @throws KubefileError IMAGE_BUILD_FAILED with the builder's last words and the line to blame, COMMAND_TIMEOUT, CANCELLED
 */
export interface ImageBuilder {
  /** What progress calls it. */
  readonly name: string;
  build(build: ImageBuild, use: BuildUse): Promise<void>;
}

export type BuilderName = "buildkit" | "kaniko";
export const builderNames = ["buildkit", "kaniko"] as const satisfies readonly BuilderName[];
