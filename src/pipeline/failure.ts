import { KubernetesApiError } from "../cluster/api-client.ts";
import { errorMessage, KubefileError } from "../error.ts";
import { RegistryError } from "../registry/errors.ts";

/**
 * Any error as one that a user can do something about. Those of a registry or of the cluster are normally told with
 * more by whoever asked; this is for the rest. What is nobody else's fault is a defect of ours.
 */
export function asKubefileError(error: unknown): KubefileError {
  if (error instanceof KubefileError) return error;
  if (error instanceof RegistryError) {
    return new KubefileError("REGISTRY", errorMessage(error), {
      hint: "check the name, your login (docker login) and whether the registry can be reached",
      cause: error,
    });
  }
  if (error instanceof KubernetesApiError) {
    return new KubefileError("CLUSTER_FAILED", `the cluster's API server did not do as asked: ${error.message}`, {
      hint: "try again; when it happens again, look at this machine's load and memory",
      cause: error,
    });
  }
  return (
    systemFailure(error) ??
    new KubefileError("INTERNAL", errorMessage(error), {
      hint: "this is a defect of kubefile: please report it with the lines above",
      cause: error,
    })
  );
}

/** What the machine's file system refuses. */
function systemFailure(error: unknown): KubefileError | undefined {
  if (!(error instanceof Error) || !("code" in error) || !("syscall" in error)) return undefined;
  // Of a copy, what it was to become: that is what there is no room for.
  const path = "dest" in error ? error.dest : "path" in error ? error.path : undefined;
  const place = typeof path === "string" ? ` at ${path}` : "";
  switch (error.code) {
    case "ENOSPC":
    case "EDQUOT":
      return new KubefileError("DISK_SHORT", `no space left on the disk${place}`, {
        hint: "free some space; XDG_CACHE_HOME, XDG_STATE_HOME and --store put our files elsewhere",
        cause: error,
      });
    case "EACCES":
    case "EPERM":
    case "EROFS":
      return new KubefileError("STORE_UNUSABLE", `this user may not do that: ${error.message}`, {
        hint: "make the place readable and writable; XDG_CACHE_HOME, XDG_STATE_HOME and --store put our files elsewhere",
        cause: error,
      });
    case "ENAMETOOLONG":
      return new KubefileError(
        "UNSUPPORTED",
        `a path is longer than this system takes: ${error.message.slice(0, 160)}…`,
        {
          hint: "make the tree flatter: a directory that was copied into itself, or links that lead in circles, do this",
          cause: error,
        },
      );
    case "ENOTDIR":
    case "EEXIST":
    case "ENOENT":
    case "ELOOP":
      if (error.syscall !== "mkdir") return undefined;
      return new KubefileError("STORE_UNUSABLE", `a directory of ours cannot be made: ${error.message}`, {
        hint: "look at what is in its place; XDG_CACHE_HOME, XDG_STATE_HOME and --store put our files elsewhere",
        cause: error,
      });
    default:
      return undefined;
  }
}
