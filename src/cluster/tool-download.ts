import { createHash } from "node:crypto";
import { createWriteStream } from "node:fs";
import { access, chmod, constants, mkdir, open, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import { request } from "undici";
import { errorMessage, KubefileError } from "../error.ts";

export interface ToolDownload {
  readonly name: string;
  readonly version: string;
  readonly url: string;
  readonly sha256: string;
}

const DOWNLOAD_TIMEOUT = 300_000;
const SIZE_LIMIT = 512 * 1024 * 1024;

/**
 * A program of a pinned version and sum, downloaded once into the tool cache. A file in the cache is always whole and
 * was verified before it got its name.
 *
 * @returns the program's path
 * @throws KubefileError TOOL_MISSING when it cannot be fetched or is not what was pinned
 */
export async function downloadTool(tool: ToolDownload, cacheDirectory: string, signal?: AbortSignal): Promise<string> {
  const directory = join(cacheDirectory, `${tool.name}-${tool.version}-${tool.sha256.slice(0, 12)}`);
  const path = join(directory, tool.name);
  if (await isExecutable(path)) return path;
  await mkdir(directory, { recursive: true, mode: 0o755 });
  const partial = `${path}.${process.pid}.new`;
  try {
    await fetchTo(tool, partial, signal);
    await chmod(partial, 0o755);
    await rename(partial, path);
    return path;
  } catch (error) {
    if (signal?.aborted) throw new KubefileError("CANCELLED", `cancelled while downloading ${tool.name}`);
    throw new KubefileError("TOOL_MISSING", `${tool.name} ${tool.version} from ${tool.url}: ${errorMessage(error)}`, {
      hint: `install ${tool.name} ${tool.version} or later on PATH`,
      cause: error,
    });
  } finally {
    await rm(partial, { force: true });
  }
}

export async function isExecutable(path: string): Promise<boolean> {
  return await access(path, constants.X_OK).then(
    () => true,
    () => false,
  );
}

async function fetchTo(tool: ToolDownload, path: string, signal?: AbortSignal): Promise<void> {
  const limit = AbortSignal.timeout(DOWNLOAD_TIMEOUT);
  const ends = signal === undefined ? limit : AbortSignal.any([signal, limit]);
  const body = await openDownload(new URL(tool.url), ends);
  const hash = createHash("sha256");
  let size = 0;
  const verify = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      size += chunk.length;
      hash.update(chunk);
      done(size > SIZE_LIMIT ? new Error(`larger than ${SIZE_LIMIT} bytes`) : null, chunk);
    },
  });
  await pipeline(body, verify, createWriteStream(path, { mode: 0o600 }), { signal: ends });
  const sum = hash.digest("hex");
  if (sum !== tool.sha256) throw new Error(`sha256 is ${sum}, but ${tool.sha256} was pinned`);
  const file = await open(path, "r+");
  await file.sync().finally(() => file.close());
}

/** Releases answer with a redirect to where the files are. */
async function openDownload(url: URL, signal: AbortSignal): Promise<NodeJS.ReadableStream> {
  let next = url;
  for (let hop = 0; hop < 5; hop += 1) {
    const answer = await request(next, { signal, headersTimeout: 30_000, bodyTimeout: 60_000 });
    if (answer.statusCode === 200) return answer.body;
    await answer.body.dump();
    const location = answer.headers.location;
    if (answer.statusCode < 300 || answer.statusCode > 399 || typeof location !== "string") {
      throw new Error(`status ${answer.statusCode}`);
    }
    next = new URL(location, next);
  }
  throw new Error("too many redirects");
}
