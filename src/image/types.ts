import type { Grade } from "../capture/types.ts";
import type { Platform } from "../oci/descriptor.ts";
import type { Digest } from "../oci/digest.ts";

/** The launch as recorded in the artifact: what a site runs, in order. */
export interface Launch {
  readonly commands: readonly LaunchCommand[];
}

export interface LaunchCommand {
  /** A POSIX shell command line, run by `sh -c`. */
  readonly command: string;
  /** Relative to the rootfs. */
  readonly directory: string;
  readonly env: Readonly<Record<string, string>>;
  /** The APP it starts, when it does. */
  readonly app?: string;
  /** `Kubefile:12`, for messages at the site. */
  readonly source: string;
}

export interface App {
  readonly name: string;
  readonly type: "kube" | "helm" | "shell" | "custom";
  readonly kind: "app" | "cni" | "csi";
  /** Relative to the rootfs, sorted. */
  readonly files: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly launched: boolean;
  /** What starts it, when APPCMDS says so; for images that are made from this one. */
  readonly command?: string;
}

/** The artifact's config blob: everything a site needs to know, nothing that differs between two runs. */
export interface ClusterImageConfig {
  readonly schemaVersion: 1;
  readonly platform: Platform;
  readonly grade: Grade;
  /** True when the launch was not cut off while rehearsed. */
  readonly needsNetwork: boolean;
  readonly kubernetesVersion?: string;
  readonly env: Readonly<Record<string, string>>;
  readonly labels: Readonly<Record<string, string>>;
  readonly maintainer?: string;
  readonly apps: readonly App[];
  readonly launch: Launch;
  /** Digests of the rootfs layers' uncompressed tars, in order. */
  readonly rootfs: { readonly diffIds: readonly Digest[] };
  /** Sorted by reference. */
  readonly images: readonly { readonly reference: string; readonly digest: Digest; readonly mediaType: string }[];
}
