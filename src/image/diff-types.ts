import type { Digest } from "../oci/digest.ts";
import type { App, LaunchCommand } from "./types.ts";

/** What `kubefile diff --format json` prints (schemas/diff.schema.json). Sizes are bytes. */
export interface ImageDiff {
  readonly schemaVersion: 1;
  readonly from: DiffSide;
  readonly to: DiffSide;
  /** The same manifest. */
  readonly identical: boolean;
  /** What a site that holds `from` has to fetch for `to`. */
  readonly transfer: { readonly blobs: number; readonly bytes: number };
  /** Grade, Kubernetes version and the like. */
  readonly properties: readonly ValueChange[];
  readonly images: ImageChanges;
  readonly rootfs: RootfsChanges;
  readonly launch: LaunchChanges;
  readonly apps: {
    readonly added: readonly App[];
    readonly removed: readonly App[];
    readonly changed: readonly { readonly from: App; readonly to: App }[];
  };
  readonly env: readonly ValueChange[];
  readonly labels: readonly ValueChange[];
  /** Of the manifest. */
  readonly annotations: readonly ValueChange[];
}

export interface DiffSide {
  /** As it was named. */
  readonly reference: string;
  readonly digest: Digest;
  readonly platform: string;
  /** Of everything, each blob once. */
  readonly size: number;
}

/** Without `from` it is new, without `to` it is gone. */
export interface ValueChange {
  readonly name: string;
  readonly from?: string;
  readonly to?: string;
}

export interface SizedBlob {
  readonly digest: Digest;
  readonly size: number;
}

export interface LayerChanges {
  /** How many both have. */
  readonly kept: number;
  readonly added: readonly SizedBlob[];
  readonly removed: readonly SizedBlob[];
}

export interface SizedImage extends SizedBlob {
  readonly reference: string;
}

export interface ImageChanges {
  readonly added: readonly SizedImage[];
  readonly removed: readonly SizedImage[];
  /** A name that stands for something else, or the only image of a repository, by another tag. */
  readonly moved: readonly { readonly from: SizedImage; readonly to: SizedImage; readonly layers: LayerChanges }[];
  readonly unchanged: number;
}

export interface RootfsChanges {
  readonly layers: LayerChanges;
  /** Absent when they were not compared. */
  readonly files?: FileLists;
  /** Why they were not. */
  readonly notCompared?: string;
}

export interface FileLists {
  readonly added: readonly DiffFile[];
  readonly removed: readonly DiffFile[];
  readonly changed: readonly { readonly path: string; readonly from: FileFacts; readonly to: FileFacts }[];
  readonly unchanged: number;
}

export type FileFacts =
  | { readonly type: "file"; readonly size: number; readonly mode: string; readonly digest: Digest }
  | { readonly type: "link"; readonly target: string };

export type DiffFile = { readonly path: string } & FileFacts;

/** All commands in order when something differs, none when nothing does. */
export interface LaunchChanges {
  readonly commands: readonly ({ readonly state: "kept" | "added" | "removed" } & Omit<LaunchCommand, "source">)[];
}
