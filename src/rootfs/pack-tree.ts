import type { Readable } from "node:stream";
import { KubefileError } from "../error.ts";
import { type TarMember, type TarOptions, tarStream } from "./tar.ts";
import { walkTree } from "./walk.ts";

/**
 * The whole tree as a tar stream, entries relative to it, parents first, owner 0.
 *
 * @throws KubefileError UNSUPPORTED for special files.
 */
export async function packTree(root: string, options: TarOptions = {}): Promise<Readable> {
  const members: TarMember[] = [];
  for await (const { path, stats, ...found } of walkTree(root)) {
    const mode = Number(stats.mode) & 0o7777;
    switch (found.type) {
      case "file":
        members.push({ type: "file", path, mode, size: Number(stats.size) });
        break;
      case "directory":
        members.push({ type: "directory", path, mode });
        break;
      case "link":
        members.push({ type: "link", path, target: found.target });
        break;
      case "special":
        throw new KubefileError("UNSUPPORTED", `${JSON.stringify(path)} is a ${found.kind}, which no layer can hold`);
    }
  }
  return tarStream(root, members, options);
}
