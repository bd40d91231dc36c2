import { describe, expect, it } from "vitest";
import { assembleClusterImage } from "../../../src/image/assemble.ts";
import { findMountSources } from "../../../src/image/mount-sources.ts";
import { rememberPlace } from "../../../src/image/places.ts";
import { digestOf } from "../../../src/oci/digest.ts";
import { putImage, sampleOptions, sharedLayer, temporaryStore } from "../../support/sample-images.ts";

const target = { host: "quay.io", path: "team/shop" };

describe("findMountSources", () => {
  it("names where captured images of the same registry came from, for their configs and layers", async () => {
    const store = await temporaryStore();
    const image = await assembleClusterImage(await sampleOptions(store));
    const sources = await findMountSources({ store, image, target });
    expect(sources(digestOf("web"))).toEqual(["shop/web"]);
    expect(sources(digestOf(sharedLayer))).toEqual(["shop/web"]);
    // From another registry, or of the rootfs.
    expect(sources(digestOf("redis"))).toEqual([]);
    expect(sources(digestOf("charts"))).toEqual([]);
    const web = image.blobs.filter(({ role }) => role === "manifest" || role === "index");
    for (const { digest } of web) expect(sources(digest)).toEqual([]);
  });

  it("adds where the store has seen a cluster image with the blob, then what the caller knows", async () => {
    const store = await temporaryStore();
    const options = await sampleOptions(store);
    const image = await assembleClusterImage(options);
    const more = await putImage(store, { reference: "docker.io/library/more:1", layers: ["more"] });
    const other = await assembleClusterImage({ ...options, images: [more] });
    const places = [
      { repository: { ...target, path: "team/old" }, digest: image.digest },
      { repository: { ...target, path: "team/other" }, digest: other.digest },
      { repository: { host: "ghcr.io", path: "team/elsewhere" }, digest: image.digest },
      { repository: target, digest: image.digest },
      { repository: { ...target, path: "team/gone" }, digest: digestOf("a manifest that the store has lost") },
      { repository: { ...target, path: "team/new" }, digest: image.digest },
    ];
    for (const place of places) await rememberPlace(store.directory, place);
    const others = [{ ...target, path: "team/cache" }, target, { host: "ghcr.io", path: "team/cache" }];
    const sources = await findMountSources({ store, image, target, others });
    expect(sources(digestOf("web"))).toEqual(["shop/web", "team/new", "team/old", "team/cache"]);
    expect(sources(digestOf("charts"))).toEqual(["team/new", "team/other", "team/old", "team/cache"]);
    expect(sources(digestOf("unheard of"))).toEqual(["team/cache"]);
  });
});
