import { KubefileError } from "../error.ts";

/** Whether the disk, or the user's share of it, has no room for what was written. */
export function isDiskFull(error: unknown): boolean {
  return error instanceof Error && "code" in error && (error.code === "ENOSPC" || error.code === "EDQUOT");
}

/**
 * The error of a write with the file that it was for: a system does not say which when the file is open already. What is
 * wrong with anything else is told as it is.
 */
export function aboutFile(file: string, error: unknown): unknown {
  if (!isDiskFull(error)) return error;
  return new KubefileError("DISK_SHORT", `no space left for ${file}`, {
    hint: "free some space there, or name a file on a larger disk",
    cause: error,
  });
}
