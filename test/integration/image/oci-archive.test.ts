import { execFile } from "node:child_process";
import { createReadStream } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { assembleClusterImage } from "../../../src/image/assemble.ts";
import type { ClusterImage } from "../../../src/image/cluster-image.ts";
import { fetchClusterImage } from "../../../src/image/load.ts";
import { exportOciLayout, importOciLayout } from "../../../src/image/oci-layout.ts";
import { inProfile } from "../../../src/image/other-profile.ts";
import { checkWhole, readClusterImage } from "../../../src/image/read.ts";
import { digestOf } from "../../../src/oci/digest.ts";
import { parseReference, type Reference } from "../../../src/oci/reference.ts";
import { createRegistryClient } from "../../../src/registry/client.ts";
import type { RegistryClient } from "../../../src/registry/types.ts";
import { type DockerRegistry, startDockerRegistry } from "../../support/docker-registry.ts";
import { sampleOptions, temporaryDirectory, temporaryStore } from "../../support/sample-images.ts";

const run = promisify(execFile);

let registry: DockerRegistry;
let client: RegistryClient;

beforeAll(async () => {
  registry = await startDockerRegistry();
  client = createRegistryClient({
    credentials: { credentials: async () => [] },
    userAgent: "kubefile-test",
    trustedHosts: () => true,
  });
});

afterAll(async () => {
  await client.close();
  await registry.stop();
});

async function archive(
  profile: ClusterImage["profile"],
  references: readonly Reference[],
): Promise<{ image: ClusterImage; file: string }> {
  const store = await temporaryStore();
  const image = await inProfile(store, await assembleClusterImage(await sampleOptions(store)), profile);
  const file = join(await temporaryDirectory(), "shop.tar");
  await exportOciLayout({ store, image, references, destination: file });
  return { image, file };
}

describe("an archive of a cluster image", () => {
  it.each(["native", "standard"] as const)(
    "in the %s profile goes through skopeo to a registry and back",
    async (profile) => {
      const { image, file } = await archive(profile, [parseReference("registry.example/shop:1")]);
      const { stdout } = await run("skopeo", ["inspect", "--raw", `oci-archive:${file}`]);
      expect(digestOf(stdout)).toBe(image.digest);

      const name = `${registry.host}/copied/${profile}:1`;
      const copy = ["copy", "--quiet", "--preserve-digests", "--dest-tls-verify=false"];
      await run("skopeo", [...copy, `oci-archive:${file}:1`, `docker://${name}`]);
      const fetched = await fetchClusterImage({
        client,
        store: await temporaryStore(),
        reference: parseReference(name),
      });
      expect(fetched).toEqual(image);

      const back = join(await temporaryDirectory(), "back.tar");
      await run("skopeo", [
        "copy",
        "--quiet",
        "--preserve-digests",
        "--src-tls-verify=false",
        `docker://${name}`,
        `oci-archive:${back}`,
      ]);
      const store = await temporaryStore();
      await importOciLayout(createReadStream(back), store, { name: "layout.tar" });
      await checkWhole(store, await readClusterImage(store, image.digest));
    },
  );

  it("is copied whole without any flag", async () => {
    const { image, file } = await archive("native", []);
    const name = `${registry.host}/copied/plain:1`;
    await run("skopeo", ["copy", "--quiet", "--dest-tls-verify=false", `oci-archive:${file}`, `docker://${name}`]);
    const fetched = await fetchClusterImage({ client, store: await temporaryStore(), reference: parseReference(name) });
    expect(fetched).toEqual(image);
  });

  it("offers each of its names", async () => {
    const { image, file } = await archive("native", ["a/shop:1", "a/shop:2", "b/shop:3"].map(parseReference));
    for (const tag of ["1", "2", "3"]) {
      const { stdout } = await run("skopeo", ["inspect", "--raw", `oci-archive:${file}:${tag}`]);
      expect(digestOf(stdout)).toBe(image.digest);
    }
  });

  it("is a tar that GNU tar reads, with a checksum for every blob in its name", async () => {
    const { file } = await archive("native", []);
    const directory = await temporaryDirectory();
    await run("tar", ["-xf", file, "-C", directory]);
    const blobs = join(directory, "blobs/sha256");
    await run("sh", ["-c", 'for blob in *; do echo "$blob  $blob"; done | sha256sum --check --quiet'], { cwd: blobs });
    const { stdout } = await run("tar", ["-tvf", file, "--numeric-owner", "--utc"]);
    expect(
      stdout
        .split("\n")
        .slice(0, 4)
        .map((line) => line.replace(/ +/g, " ")),
    ).toEqual([
      "drwxr-xr-x 0/0 0 1970-01-01 00:00 blobs/",
      "drwxr-xr-x 0/0 0 1970-01-01 00:00 blobs/sha256/",
      "-rw-r--r-- 0/0 30 1970-01-01 00:00 oci-layout",
      expect.stringMatching(/^-rw-r--r-- 0\/0 \d+ 1970-01-01 00:00 index\.json$/),
    ]);
  });
});
