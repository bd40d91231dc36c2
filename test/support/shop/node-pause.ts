import { execFile } from "node:child_process";
import { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { promisify } from "node:util";
import { gzip } from "pako";
import { extract } from "tar-stream";
import { digestOf, hostPlatform, type Image, imageOf } from "../image-builder.ts";
import { otherPlatformToo } from "./images.ts";

/** Where the container leaves what it found. Its output would do, but engines may cut the output of a short run. */
const archivePath = "/pause.tar";
/** Makes a tar of the config of the node image's pause and of the layers that the config names. */
const findPause = `
  cd /var/lib/containerd/io.containerd.content.v1.content/blobs/sha256
  config=$(find . -type f -size -64k -exec grep -l '"Entrypoint":\\["/pause"\\]' {} + | head -n 1)
  tar -c -f ${archivePath} "$config" $(sed 's/.*"diff_ids":\\[\\([^]]*\\)\\].*/\\1/; s/"sha256:\\([^"]*\\)",\\{0,1\\}/\\1 /g' "$config")
`;

/**
 * The pause image as its registry would hold it: the very config and files that the node image brings along, but with a
 * manifest of the registry's own (compressed layers, a list of platforms). That is how it is in the world: a node image
 * is filled from an archive, so a node knows its images by their config alone.
 */
export async function nodePauseImage(nodeImage: string): Promise<Image> {
  const create = ["create", "--network", "none", "--entrypoint", "sh", nodeImage, "-euc", findPause];
  const id = (await docker(create)).toString().trim();
  try {
    await docker(["start", "--attach", id]);
    const [archive] = await filesOf(await docker(["cp", `${id}:${archivePath}`, "-"]));
    return pauseImage(nodeImage, await filesOf(archive ?? Buffer.alloc(0)));
  } finally {
    await docker(["rm", "--force", id]);
  }
}

async function docker(args: readonly string[]): Promise<Buffer> {
  const limits = { encoding: "buffer", maxBuffer: 64 * 1024 * 1024, timeout: 60_000 } as const;
  return (await promisify(execFile)("docker", args, limits)).stdout;
}

async function filesOf(archive: Buffer): Promise<Buffer[]> {
  const files: Buffer[] = [];
  for await (const entry of Readable.from([archive]).pipe(extract())) files.push(await buffer(entry));
  return files;
}

async function pauseImage(nodeImage: string, [config, ...layers]: readonly Buffer[]): Promise<Image> {
  if (config === undefined || layers.length === 0) throw new Error(`no pause image in ${nodeImage}`);
  const image = imageOf({
    format: "docker",
    config,
    layers: layers.map((tar) => ({ diffId: digestOf(tar), bytes: Buffer.from(gzip(tar)), compressed: true })),
    platform: hostPlatform,
  });
  return otherPlatformToo("docker", image);
}
