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

/**
 * Reads `linux/amd64` or `linux/arm/v7`; undefined for anything else. Only Linux nodes run cluster images. Other names of
 * one platform become the one that containerd uses: `linux/arm64/v8` is `linux/arm64`, `linux/arm` is `linux/arm/v7`.
 */
export function parsePlatform(text: string): Platform | undefined {
  const [, os = "", architecture = "", variant] = /^(linux)\/([a-z0-9]{1,20})(?:\/(v\d{1,2}))?$/.exec(text) ?? [];
  if (os === "") return undefined;
  const usual = { arm: "v7", arm64: "v8", amd64: "v1" }[architecture];
  const told = architecture === "arm" ? (variant ?? usual) : variant === usual ? undefined : variant;
  return { os, architecture, ...(told === undefined ? {} : { variant: told }) };
}

export function isSamePlatform(left: Platform, right: Platform): boolean {
  return formatPlatform(left) === formatPlatform(right);
}

/** In the order of their names. */
export function comparePlatforms(left: Platform, right: Platform): number {
  const [one, other] = [formatPlatform(left), formatPlatform(right)];
  return one < other ? -1 : one > other ? 1 : 0;
}

/** The Linux platform of an architecture in Go's words, as OCI uses them. */
export function platformOf(architecture: string): Platform {
  return parsePlatform(`linux/${architecture}`) ?? { os: "linux", architecture };
}

/** The Linux platform of this machine. */
export function hostPlatform(architecture: string = process.arch): Platform {
  const names: Record<string, string> = { x64: "amd64", arm64: "arm64", arm: "arm", ia32: "386", ppc64: "ppc64le" };
  return platformOf(names[architecture] ?? architecture);
}
