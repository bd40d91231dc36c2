import { posix } from "node:path";
import type { Header } from "tar-stream";
import { KubefileError } from "../error.ts";
import { linkEscape } from "./contained-path.ts";

/** One entry of a foreign archive that was found harmless by itself; `path` is relative to the rootfs. */
export type ArchiveMember =
  | { readonly type: "file"; readonly path: string; readonly mode: number }
  | { readonly type: "directory"; readonly path: string; readonly mode: number }
  | { readonly type: "link"; readonly path: string; readonly target: string }
  | { readonly type: "hard link"; readonly path: string; readonly source: string };

export interface MemberRules {
  /** What messages call the archive. */
  readonly archive: string;
  /** A directory that all entries are in and that is taken off their names; `""` for none. */
  readonly stripPrefix: string;
  /** Where in the rootfs the entries go; `""` for its root. */
  readonly base: string;
  /** Longest accepted path, in bytes. */
  readonly maxPathBytes: number;
  /** Whether absolute links become relative, and set-user-id bits are no reason to refuse. */
  readonly adapts?: boolean;
}

const MAX_NAME_BYTES = 255;

/**
 * Reads a tar header from a stranger. undefined is the directory that the archive is made of, which is there already.
 *
 * @throws KubefileError UNSAFE_ARCHIVE naming the entry.
 */
export function readMember(header: Header, rules: MemberRules): ArchiveMember | undefined {
  const unsafe = (why: string, hint?: string): KubefileError => unsafeEntry(rules.archive, header.name, why, hint);
  // A directory or link that announces content makes readers disagree about where the next header is.
  if (header.size !== 0 && header.type !== "file" && header.type !== "contiguous-file") {
    throw unsafe(`is a ${header.type ?? "special entry"} with content`);
  }
  if (isSparse(header.pax)) throw unsafe("is a sparse file", "pack it without --sparse");
  const inArchive = stripped(header.name, rules, unsafe);
  if (rules.adapts !== true && (header.mode & 0o6000) !== 0 && header.type !== "symlink") {
    throw unsafe("has the setuid or setgid bit", `take it off: chmod ug-s ${inArchive || "."}`);
  }
  const path = posix.join(rules.base, inArchive);
  if (inArchive === "") {
    if (header.type === "directory") return undefined;
    throw unsafe(`stands for the whole tree, but is a ${header.type}`);
  }
  switch (header.type) {
    case "file":
    case "contiguous-file":
      if (header.name.endsWith("/")) throw unsafe("is a file named like a directory");
      return { type: "file", path, mode: header.mode };
    case "directory":
      return { type: "directory", path, mode: header.mode };
    case "symlink": {
      const written = header.linkname ?? "";
      const target = rules.adapts === true && written.startsWith("/") ? relativeTarget(path, written) : written;
      const fault =
        target.includes("\0") || target.includes("\ufffd") ? "has no valid target" : linkEscape(path, target);
      if (fault === undefined) return { type: "link", path, target };
      throw unsafe(`is a link that ${fault}`, "make it relative, to a place inside the tree (ln -sr)");
    }
    case "link": {
      const source = posix.join(rules.base, stripped(header.linkname ?? "", rules, unsafe));
      return { type: "hard link", path, source };
    }
    default:
      throw unsafe(`is a ${header.type ?? "special entry"}`, "only files, directories and links can be unpacked");
  }
}

/** The same place, as a link at `path` reaches it without knowing where the root is. */
function relativeTarget(path: string, absolute: string): string {
  const target = posix.relative(posix.dirname(`/${path}`), posix.normalize(absolute));
  return target === "" ? "." : target;
}

/** The message of every refused entry. */
export function unsafeEntry(archive: string, name: string, why: string, hint?: string): KubefileError {
  const shown = name.length > 200 ? `${name.slice(0, 200)}…` : name;
  return new KubefileError("UNSAFE_ARCHIVE", `${archive}: ${JSON.stringify(shown)} ${why}`, hint ? { hint } : {});
}

/** A name in the archive as a clean path below its prefix, `""` for the prefix itself. */
function stripped(name: string, rules: MemberRules, unsafe: (why: string) => KubefileError): string {
  if (name.startsWith("/")) throw unsafe("has an absolute path");
  const components = name.split("/").filter((component) => component !== "" && component !== ".");
  if (components.includes("..")) throw unsafe("climbs out of the tree");
  if (name.includes("\0") || name.includes("\ufffd")) throw unsafe("has a name that is not valid UTF-8");
  const isLong = components.some((component) => Buffer.byteLength(component) > MAX_NAME_BYTES);
  if (isLong || Buffer.byteLength(name) > rules.maxPathBytes) throw unsafe("has too long a path");
  const prefix = rules.stripPrefix.split("/").filter((component) => component !== "");
  if (prefix.some((component, index) => components[index] !== component)) {
    throw unsafe(`is not in ${JSON.stringify(rules.stripPrefix)}`);
  }
  return components.slice(prefix.length).join("/");
}

function isSparse(pax: unknown): boolean {
  return (
    typeof pax === "object" && pax !== null && Object.keys(pax).some((keyword) => keyword.startsWith("GNU.sparse."))
  );
}
