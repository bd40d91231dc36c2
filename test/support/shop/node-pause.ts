import { execFile } from "node:child_process";
import { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { promisify } from "node:util";
import { gzip } from "pako";
import { extract } from "tar-stream";
import { digestOf, hostPlatform, type Image, imageOf } from "../image-builder.ts";
import { otherPlatformToo } from "./images.ts";

/** Prints a tar of the config of the node image's pause and of the layers that the config names. */
const findPause = `
  cd /var/lib/containerd/io.containerd.content.v1.content/blobs/sha256
  config=$(find . -type f -size -64k -exec grep -l '"Entrypoint":\\["/pause"\\]' {} + | head -n 1)
  tar -c "$config" $(sed 's/.*"diff_ids":\\[\\([^]]*\\)\\].*/\\1/; s/"sha256:\\([^"]*\\)",\\{0,1\\}/\\1 /g' "$config")
`;

/**
 * The pause image as its registry would hold it: the very config and files that the node image brings along, but with a
 * manifest of the registry's own (compressed layers, a list of platforms). That is how it is in the world: a node image
 * is filled from an archive, so a node knows its images by their config alone.
 */
export async function nodePauseImage(nodeImage: string): Promise<Image> {
  const run = ["run", "--rm", "--network", "none", "--entrypoint", "sh", nodeImage, "-euc", findPause];
  const limits = { encoding: "buffer", maxBuffer: 64 * 1024 * 1024, timeout: 60_000 } as const;
  const { stdout } = await promisify(execFile)("docker", run, limits);
  const files: Buffer[] = [];
  for await (const entry of Readable.from([stdout]).pipe(extract())) files.push(await buffer(entry));
  const [config, ...layers] = files;
  if (config === undefined || layers.length === 0) throw new Error(`no pause image in ${nodeImage}`);
  const image = imageOf({
    format: "docker",
    config,
    layers: layers.map((tar) => ({ diffId: digestOf(tar), bytes: Buffer.from(gzip(tar)), compressed: true })),
    platform: hostPlatform,
  });
  return otherPlatformToo("docker", image);
}
