import { access, constants } from "node:fs/promises";
import { isAbsolute, relative, resolve } from "node:path";
import { errorMessage, KubefileError } from "../error.ts";
import {
  canonicalHost,
  isRegistryHost,
  isRepositoryPath,
  isTag,
  parseReference,
  type Reference,
  type Repository,
} from "../oci/reference.ts";
import type { Output } from "../pipeline/options.ts";

/**
 * `500ms`, `20s`, `10m`, `1h30m`, `14d`; milliseconds.
 *
 * @throws KubefileError USAGE naming the flag
 */
export function parseDuration(text: string, flag: string): number {
  const units: Record<string, number> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h|d)/g)];
  if (parts.length === 0 || parts.map(([whole]) => whole).join("") !== text) {
    throw new KubefileError("USAGE", `${flag} ${JSON.stringify(text)} is not a duration`, {
      hint: "write 20s, 10m, 1h30m or 14d",
    });
  }
  return parts.reduce((sum, [, amount, unit]) => sum + Number(amount) * (units[unit ?? ""] ?? 0), 0);
}

/** @throws KubefileError USAGE naming the flag, for a file that cannot be read */
export async function requireFile(file: string, flag: string): Promise<void> {
  try {
    await access(file, constants.R_OK);
  } catch (error) {
    throw new KubefileError("USAGE", `${flag} ${file} cannot be read: ${errorMessage(error)}`, {
      hint: "name a file that is there; relative paths are those of the current directory",
      cause: error,
    });
  }
}

/** Days; timers of Node that are set to more than 2^31 - 1 milliseconds go off at once. */
const LONGEST_WAIT = 24;

/**
 * Times that a launch can settle in, in milliseconds.
 *
 * @throws KubefileError USAGE for those that no launch could keep to, which would be known only when it is over
 */
export function launchTimes<Times extends { readonly quietWindow: number; readonly timeout: number }>(
  times: Times,
): Times {
  if (times.timeout > LONGEST_WAIT * 86_400_000) {
    throw new KubefileError("USAGE", `--timeout is longer than ${LONGEST_WAIT} days`, { hint: "write 10m or 1h30m" });
  }
  if (times.quietWindow >= times.timeout) {
    throw new KubefileError("USAGE", "--timeout leaves no room for the quiet window, so that no launch could settle", {
      hint: "make --timeout longer than --quiet-window; without them they are 10m and 20s",
    });
  }
  return times;
}

/** `KEY=VALUE` words to a map; a later one wins. */
export function parseKeyValues(words: readonly string[], flag: string, form = "NAME=VALUE"): Map<string, string> {
  return new Map(
    words.map((word) => {
      const equals = word.indexOf("=");
      if (equals <= 0) {
        const lacks = equals === 0 ? "name" : "value";
        throw new KubefileError("USAGE", `${flag} ${JSON.stringify(word)} has no ${lacks}`, {
          hint: `write ${flag} ${form}`,
        });
      }
      return [word.slice(0, equals), word.slice(equals + 1)];
    }),
  );
}

/** Values for the launch: a name that no shell can read would be lost on the way without a word. */
export function parseVariables(words: readonly string[], flag: string): Record<string, string> {
  const values = parseKeyValues(words, flag);
  for (const name of values.keys()) {
    if (/^[A-Za-z_]\w*$/.test(name)) continue;
    throw new KubefileError("USAGE", `${flag} ${JSON.stringify(name)} is not the name of a variable`, {
      hint: "use letters, digits and underscores",
    });
  }
  return Object.fromEntries(values);
}

/** `--mirror HOST=URL`: another place to fetch a registry's images from. */
export function parseMirrors(words: readonly string[]): Map<string, URL> {
  const mirrors = new Map<string, URL>();
  for (const [host, address] of parseKeyValues(words, "--mirror", "HOST=URL")) {
    const url = URL.canParse(address) ? new URL(address) : undefined;
    if (!isRegistryHost(host) || url === undefined || !["http:", "https:"].includes(url.protocol)) {
      throw new KubefileError("USAGE", `--mirror ${host}=${address} is not HOST=URL`, {
        hint: "write --mirror docker.io=https://mirror.example",
      });
    }
    if (url.username !== "" || url.password !== "") {
      throw new KubefileError("USAGE", `--mirror for ${host} carries a password`, {
        hint: "put credentials into the docker configuration (docker login)",
      });
    }
    mirrors.set(canonicalHost(host), url);
  }
  return mirrors;
}

export function parseInsecure(hosts: readonly string[]): Set<string> {
  for (const host of hosts) {
    if (!isRegistryHost(host)) {
      throw new KubefileError("USAGE", `--insecure ${JSON.stringify(host)} is not a registry`, {
        hint: "write the host, and the port when it has one: --insecure registry.local:5000",
      });
    }
  }
  return new Set(hosts.map(canonicalHost));
}

/** `type=oci,dest=FILE`. */
export function parseOutput(text: string, cwd: string): Output {
  const fields = new Map(
    text.split(",").map((field) => {
      const equals = field.indexOf("=");
      return equals < 0 ? [field, ""] : [field.slice(0, equals), field.slice(equals + 1)];
    }),
  );
  const destination = fields.get("dest");
  const unknown = [...fields.keys()].filter((key) => key !== "type" && key !== "dest");
  if (fields.get("type") !== "oci" || destination === undefined || destination === "" || unknown.length > 0) {
    throw new KubefileError("USAGE", `--output ${JSON.stringify(text)} is not understood`, {
      hint: "write --output type=oci,dest=FILE",
    });
  }
  return { type: "oci", destination: absolute(destination, cwd) };
}

/** Images that a user lists, as they were written. @throws KubefileError REFERENCE_INVALID */
export function parseImages(texts: readonly string[]): readonly string[] {
  for (const text of texts) parseReference(text);
  return texts;
}

/** Patterns of images that stay out of a capture. @throws KubefileError USAGE */
export function parseExclusions(patterns: readonly string[]): readonly string[] {
  for (const pattern of patterns) {
    // More than that no pattern of the glob library may have.
    if (pattern.trim() !== "" && pattern.length < 65_536) continue;
    throw new KubefileError("USAGE", `--exclude ${JSON.stringify(pattern.slice(0, 80))} is not a pattern`, {
      hint: "write the name of an image, or a pattern such as ghcr.io/shop/**",
    });
  }
  return patterns;
}

/** A reference that an artifact is tagged with: a name and a tag, no digest. */
export function parseTarget(text: string): Reference {
  const reference = parseReference(text);
  if (reference.digest !== undefined) {
    throw new KubefileError("USAGE", `${text} names a digest, which cannot be chosen`, { hint: "leave out @sha256:…" });
  }
  return reference;
}

/** A new name for what `source` names: a whole reference, or a tag alone (`edge`, `:edge`) of the source's repository. */
export function parseNewName(text: string, source: Repository): Reference {
  const tag = text.startsWith(":") ? text.slice(1) : text;
  if (/[/:@]/.test(tag)) return parseTarget(text);
  if (isTag(tag)) return { host: source.host, path: source.path, tag };
  throw new KubefileError("USAGE", `${JSON.stringify(text)} is not a tag`, {
    hint: "a tag has letters, digits, _, . and -, at most 128; another repository is named in full, REGISTRY/NAME:TAG",
  });
}

/** A registry, and perhaps a path in it that names are looked for below. @throws KubefileError USAGE */
export function parseBaseRegistry(text: string | undefined): string | undefined {
  if (text === undefined) return undefined;
  const base = text.replace(/\/+$/, "");
  const [host = "", ...path] = base.split("/");
  const namesHost = /[.:]/.test(host) || host === "localhost";
  if (namesHost && isRegistryHost(host) && (path.length === 0 || isRepositoryPath(path.join("/")))) return base;
  throw new KubefileError("USAGE", `--base-registry: ${JSON.stringify(text)} is not a registry`, {
    hint: "write HOST or HOST/PATH, such as registry.example/team",
  });
}

export function absolute(path: string, cwd: string): string {
  return isAbsolute(path) ? path : resolve(cwd, path);
}

/** A path as messages name it: from the working directory, or whole when it is elsewhere. */
export function shownPath(file: string, cwd: string): string {
  const shown = relative(cwd, file);
  return shown.startsWith("..") ? file : shown || ".";
}
