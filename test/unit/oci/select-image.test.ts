import { describe, expect, it } from "vitest";
import { type Descriptor, formatPlatform, type Platform, parsePlatform } from "../../../src/oci/descriptor.ts";
import { digestOf } from "../../../src/oci/digest.ts";
import { OCI_MANIFEST } from "../../../src/oci/media-types.ts";
import { selectImage } from "../../../src/oci/select-image.ts";

function child(text: string, annotations?: Record<string, string>): Descriptor {
  const [os = "", architecture = "", variant] = text.split("/");
  return {
    mediaType: OCI_MANIFEST,
    digest: digestOf(text),
    size: 1,
    platform: { os, architecture, ...(variant === undefined ? {} : { variant }) },
    ...(annotations === undefined ? {} : { annotations }),
  };
}

function platform(text: string): Platform {
  const parsed = parsePlatform(text);
  if (parsed === undefined) throw new Error(`no platform: ${text}`);
  return parsed;
}

/** What containerd's `platforms.Only` takes of the same lists. */
describe("selectImage", () => {
  it.each([
    ["linux/amd64", ["linux/arm64", "linux/amd64"], "linux/amd64"],
    ["linux/amd64", ["linux/amd64/v3", "linux/amd64"], "linux/amd64"],
    ["linux/amd64", ["linux/arm64", "linux/amd64/v1"], "linux/amd64/v1"],
    ["linux/amd64", ["linux/386", "linux/amd64"], "linux/amd64"],
    ["linux/amd64", ["linux/arm/v7", "linux/386"], "linux/386"],
    ["linux/amd64", ["linux/amd64/v3", "linux/386"], "linux/386"],
    ["linux/amd64/v3", ["linux/amd64", "linux/amd64/v2"], "linux/amd64/v2"],
    ["linux/arm64", ["linux/arm64/v9", "linux/arm64/v8"], "linux/arm64/v8"],
    ["linux/arm64", ["linux/arm/v6", "linux/arm/v7", "linux/amd64"], "linux/arm/v7"],
    ["linux/arm/v7", ["linux/arm/v5", "linux/arm/v6"], "linux/arm/v6"],
    ["linux/arm/v6", ["linux/arm/v7", "linux/arm/v5"], "linux/arm/v5"],
    ["linux/s390x", ["linux/amd64", "linux/s390x"], "linux/s390x"],
    ["linux/riscv64", ["linux/amd64", "linux/386"], undefined],
    ["linux/386", ["linux/amd64"], undefined],
  ])("on %s chooses of %j %s", (own, offered, chosen) => {
    const found = selectImage(
      offered.map((text) => child(text)),
      platform(own),
    );
    expect(found?.platform === undefined ? undefined : formatPlatform(found.platform)).toBe(chosen);
  });

  it("takes no attestation, and a child without a platform before none", () => {
    const attestation = child("linux/amd64", { "vnd.docker.reference.type": "attestation-manifest" });
    const { platform: _, ...plain } = child("linux/amd64");
    expect(selectImage([attestation, plain], platform("linux/amd64"))).toBe(plain);
    expect(selectImage([attestation], platform("linux/amd64"))).toBeUndefined();
  });
});
