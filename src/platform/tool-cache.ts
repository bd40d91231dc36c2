import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { chmod, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { cacheFile, downloadTool, extractTar, find } from "@actions/tool-cache";
import { errorMessage, KubefileError } from "../error.ts";
import type { ToolRelease } from "./setup-tools.ts";

/** Characters of a file that holds a sum. */
const LONGEST_SUM = 4_096;

/**
 * A program of a release from the runner's tool cache, where it comes once its sum was found to be right.
 *
 * @param architecture Node's name
 * @returns the directory to put on PATH
 * @throws KubefileError TOOL_MISSING when it cannot be fetched or is not what its project published
 */
export async function cachedTool(release: ToolRelease, architecture: string): Promise<string> {
  const { name, version, url, member } = release;
  const found = find(name, version, architecture);
  if (found !== "") return found;
  const made: string[] = [];
  try {
    const file = await downloadTool(url);
    made.push(file);
    const [sum, wanted] = [await sumOf(file), release.sha256 ?? (await publishedSum(release, made))];
    if (sum !== wanted) throw new Error(`its sha256 is ${sum}, and ${wanted} was expected`);
    const directory = member === undefined ? undefined : await extractTar(file);
    if (directory !== undefined) made.push(directory);
    const program = directory === undefined ? file : join(directory, member ?? "");
    await chmod(program, 0o755);
    return await cacheFile(program, name, name, version, architecture);
  } catch (error) {
    throw new KubefileError("TOOL_MISSING", `${name} ${version} from ${url}: ${errorMessage(error)}`, {
      hint: "runners without internet need the input download-mirror; or install it on the runner, and leave it out of tools",
      cause: error,
    });
  } finally {
    await Promise.all(made.map((path) => rm(path, { recursive: true, force: true })));
  }
}

async function publishedSum({ sumUrl }: ToolRelease, made: string[]): Promise<string> {
  const file = await downloadTool(sumUrl);
  made.push(file);
  const text = (await readFile(file, "utf8")).slice(0, LONGEST_SUM);
  const sum = /^([0-9a-f]{64})(?:\s|$)/.exec(text)?.[1];
  if (sum === undefined) throw new Error(`${sumUrl} holds no sha256`);
  return sum;
}

async function sumOf(file: string): Promise<string> {
  const hash = createHash("sha256");
  await pipeline(createReadStream(file), hash);
  return hash.digest("hex");
}
