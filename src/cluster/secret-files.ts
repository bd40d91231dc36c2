import type { Engine } from "./engine.ts";

/** A file that lies in a container's memory alone, and goes with it. */
export interface SecretFile {
  /** Absolute path, normalised, outside of the rootfs. */
  readonly path: string;
  /** In octal. */
  readonly mode: string;
  readonly content: Buffer;
}

const directory = "/run/secrets";

/** Arguments of `docker create`: what anybody may read there is where secrets are, and none of them. */
export const secretMount: readonly string[] = ["--tmpfs", `${directory}:rw,noexec,nosuid,nodev,mode=0755,size=64m`];

/** Elsewhere than in the directory of secrets, a link leads there. */
const script = `set -eu
path=$1 mode=$2 file=$1
case $path in
  ${directory}/*) mkdir -p "\${path%/*}" ;;
  *)
    if [ -d "$path" ]; then echo "$path is a directory" >&2; exit 1; fi
    mkdir -p "\${path%/*}/" ${directory}/.linked
    file=$(mktemp ${directory}/.linked/XXXXXX)
    ln -sf "$file" "$path" ;;
esac
umask 077
cat >"$file"
chmod "$mode" "$file"`;

/**
 * Puts a secret into a container that was made with `secretMount`. It goes by standard input: so it is in no command line,
 * in no variable and in no file of this machine.
 */
export async function addSecret(
  engine: Engine,
  id: string,
  { path, mode, content }: SecretFile,
  signal: AbortSignal,
): Promise<void> {
  const command = ["sh", "-c", script, "sh", path, mode];
  await engine.docker(["exec", "--interactive", id, ...command], { input: content, signal });
}
