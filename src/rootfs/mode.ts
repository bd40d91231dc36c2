import { KubefileError } from "../error.ts";

/** The modes files have unless `--chmod` says otherwise, so that no umask and no checkout shows in a layer. */
export function normalisedMode(type: "file" | "directory", mode: number): number {
  return type === "directory" || (mode & 0o111) !== 0 ? 0o755 : 0o644;
}

/**
 * The mode that `--chmod` gives. A directory can be entered by whoever may read it, and the owner can always read:
 * otherwise only root could build the image.
 */
export function requestedMode(type: "file" | "directory", mode: number): number {
  return readableMode(type, type === "directory" ? mode | ((mode & 0o444) >> 2) : mode);
}

/** The mode of what is copied, by what it is and the mode it has. */
export type ModeOf = (type: "file" | "directory", mode: number) => number;

/** What `--chmod` makes of modes; normalised ones without it. @throws KubefileError KUBEFILE_INVALID */
export function modesBy(chmod: string | undefined): ModeOf {
  if (chmod === undefined) return normalisedMode;
  const requested = parseChmod(chmod);
  return (type) => requestedMode(type, requested);
}

/** The permission bits of a foreign mode, readable by their owner. */
export function readableMode(type: "file" | "directory", mode: number): number {
  return (mode & 0o777) | (type === "directory" ? 0o700 : 0o400);
}

/**
 * Reads the value of `--chmod`: three or four octal digits.
 *
 * @throws KubefileError KUBEFILE_INVALID for anything else, also for setuid, setgid and sticky bits.
 */
export function parseChmod(text: string): number {
  if (!/^0?[0-7]{3}$/.test(text)) {
    throw new KubefileError("KUBEFILE_INVALID", `--chmod=${text.slice(0, 40)} is not an octal file mode up to 777`, {
      hint: "write it like --chmod=755 or --chmod=0644; setuid, setgid and sticky bits have no place in a rootfs",
    });
  }
  return Number.parseInt(text, 8);
}
