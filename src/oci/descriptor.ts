import type { Digest } from "./digest.ts";

/** OCI image-spec, descriptor.md. */
export interface Descriptor {
  readonly mediaType: string;
  readonly digest: Digest;
  /** Bytes. */
  readonly size: number;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly platform?: Platform;
  readonly artifactType?: string;
  /** Places a foreign layer is fetched from. containerd follows them past any mirror, so we refuse them. */
  readonly urls?: readonly string[];
}

/** OCI image-spec, image-index.md. */
export interface Platform {
  readonly os: string;
  readonly architecture: string;
  readonly variant?: string;
}

export function formatPlatform(platform: Platform): string {
  return [platform.os, platform.architecture, platform.variant].filter(Boolean).join("/");
}

/** Reads `linux/amd64` or `linux/arm/v7`; undefined for anything else. Only Linux nodes run cluster images. */
export function parsePlatform(text: string): Platform | undefined {
  const [, os = "", architecture = "", variant] = /^(linux)\/([a-z0-9]{1,20})(?:\/(v\d{1,2}))?$/.exec(text) ?? [];
  if (os === "") return undefined;
  return { os, architecture, ...(variant === undefined ? {} : { variant }) };
}

/** The Linux platform of this machine, in Go's words as OCI uses them. */
export function hostPlatform(architecture: string = process.arch): Platform {
  const names: Record<string, string> = { x64: "amd64", arm64: "arm64", arm: "arm", ia32: "386", ppc64: "ppc64le" };
  return { os: "linux", architecture: names[architecture] ?? architecture };
}
