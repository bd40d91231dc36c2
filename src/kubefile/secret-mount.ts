import { posix } from "node:path";
import { quoted } from "./diagnostic.ts";
import type { Span } from "./mapped-text.ts";
import { didYouMean, nearest } from "./nearest.ts";

/** What a `--mount` says, in its order: `["type", "secret"], ["required", undefined]`. */
export type MountFields = readonly (readonly [name: string, value: string | undefined])[];

/** `RUN --mount=type=secret,…`: a value that one command gets, and nothing else. */
export interface SecretMount {
  /** The name by which `--secret` gives it. */
  readonly id: string;
  /** Absolute path of the file that holds it in the launch container; absent when only a variable is asked for. */
  readonly target?: string;
  /** The variable that holds it. */
  readonly env?: string;
  /** Whether the step cannot do without it. */
  readonly required: boolean;
  /** Of the file, in octal. */
  readonly mode: string;
  readonly span: Span;
}

/** Where secrets lie whose target is not written. */
const secretDirectory = "/run/secrets";
const fieldNames = ["type", "id", "source", "src", "target", "dst", "destination", "env", "required", "mode"];

/** Names of secrets: they stand in logs, and name files. */
export function isSecretId(text: string): boolean {
  return /^(?!\.{1,2}$)[A-Za-z0-9_.][A-Za-z0-9_.-]{0,127}$/.test(text);
}

/**
 * Reads the fields of a secret mount as Docker does: the id follows from the target when it is left out, and a file is
 * made unless only a variable is asked for. Undefined after a reported problem.
 */
export function readSecretMount(
  fields: MountFields,
  span: Span,
  report: (message: string, hint: string) => void,
): SecretMount | undefined {
  const refuse = (message: string, hint: string): undefined => {
    report(message, hint);
    return undefined;
  };
  const field = (...names: readonly string[]): string | undefined =>
    fields.findLast(([name]) => names.includes(name))?.[1];
  for (const [name, value] of fields) {
    if (name === "uid" || name === "gid") return refuse(`--mount has ${name}`, "remove it; RUN runs as root");
    if (!fieldNames.includes(name)) {
      const hint = didYouMean(nearest(name, fieldNames)) ?? `a secret has ${fieldNames.slice(1).join(", ")}`;
      return refuse(`--mount=type=secret has no ${quoted(name)}`, hint);
    }
    if ((value ?? "") === "" && name !== "required")
      return refuse(`--mount: ${name} has no value`, `write ${name}=VALUE`);
  }
  const written = field("target", "dst", "destination");
  const id = field("id", "source", "src") ?? (written === undefined ? undefined : posix.basename(written));
  if (id === undefined)
    return refuse("--mount=type=secret does not say which secret", "write --mount=type=secret,id=NAME");
  if (!isSecretId(id)) {
    return refuse(`${quoted(id)} is not the id of a secret`, "use letters, digits, dots, dashes and underscores");
  }
  const env = field("env");
  if (env !== undefined && !isShellVariable(env)) {
    return refuse(`${quoted(env)} is not a variable that a shell can set`, "use letters, digits and underscores");
  }
  const target = written ?? (env === undefined ? `${secretDirectory}/${id}` : undefined);
  if (target !== undefined && !isOutsideRootfs(target)) {
    const hint = `write an absolute path outside of the rootfs, such as /root/.${id}, or leave it out`;
    return refuse(`a secret cannot be at ${quoted(target)}`, hint);
  }
  const required = fields.findLast(([name]) => name === "required");
  if (required?.[1] !== undefined && !/^(?:true|false|1|0)$/i.test(required[1])) {
    return refuse(`required=${required[1]} is neither true nor false`, "write required=true");
  }
  const mode = field("mode") ?? "0400";
  if (!/^[0-7]{3,4}$/.test(mode))
    return refuse(`mode=${mode} is not a file mode`, "write it in octal, such as mode=0400");
  return {
    id,
    ...(target === undefined ? {} : { target: posix.normalize(target) }),
    ...(env === undefined ? {} : { env }),
    required: required !== undefined && !/^(?:false|0)$/i.test(required[1] ?? "true"),
    mode,
    span,
  };
}

/** Others would reach a program by its command line alone, which everybody can read. */
function isShellVariable(name: string): boolean {
  return /^(?!(?:UID|EUID|PPID|BASHOPTS|SHELLOPTS|BASH_VERSINFO)$)[A-Za-z_]\w*$/.test(name);
}

/** What is below the rootfs would become part of a layer, be it but a link. */
function isOutsideRootfs(path: string): boolean {
  const normal = posix.normalize(path);
  return (
    normal.startsWith("/") &&
    !normal.endsWith("/") &&
    !/^\/(?:rootfs|proc|sys|dev)(?:\/|$)/.test(normal) &&
    !/\0/.test(path)
  );
}
