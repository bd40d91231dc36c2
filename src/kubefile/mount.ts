import type { Arguments } from "./arguments.ts";
import { quoted } from "./diagnostic.ts";
import type { Flag } from "./instruction.ts";
import type { Span } from "./mapped-text.ts";
import { didYouMean, nearest } from "./nearest.ts";
import { type MountFields, readSecretMount, type SecretMount } from "./secret-mount.ts";

/** The kinds of mount that Dockerfiles have, with what to use instead of those that are not executed. */
const mountTypes: Readonly<Record<string, string | undefined>> = {
  secret: undefined,
  bind: "COPY what the command needs",
  cache: "remove it; what RUN has fetched is kept with its layer",
  tmpfs: "remove it; what RUN writes below /tmp is in no layer",
  ssh: "give it a key with --mount=type=secret,id=NAME",
};

/** The hint for a `--mount` that a build refuses; undefined for one that it executes, or that was reported already. */
export function unsupportedMount(flag: Flag): string | undefined {
  const type = typeOf(fieldsOf(flag));
  return Object.hasOwn(mountTypes, type) ? mountTypes[type] : undefined;
}

/** The secrets that a RUN asks for with `--mount=type=secret,…`; what cannot be read is reported. */
export function readMounts(input: Arguments<"RUN">): readonly SecretMount[] {
  const mounts = input.flags.flatMap((flag) => (flag.name === "mount" ? (readMount(flag, input) ?? []) : []));
  for (const [position, mount] of mounts.entries()) {
    const { target, env } = mount;
    const earlier = mounts.slice(0, position);
    if (target !== undefined && earlier.some((other) => other.target === target)) {
      problem(input, mount.span, `two secrets are to be the file ${target}`, "give one another target=PATH");
    }
    if (env !== undefined && earlier.some((other) => other.env === env)) {
      problem(input, mount.span, `two secrets are to be the variable ${env}`, "give one another env=NAME");
    }
  }
  return mounts;
}

function readMount(flag: Flag, input: Arguments<"RUN">): SecretMount | undefined {
  if (flag.value === undefined || flag.value.raw === "") return undefined;
  if (flag.value.parts.some(({ kind }) => kind === "variable")) {
    const hint = "write it out: which secrets a step gets is for everybody to read";
    problem(input, flag.value.span, "--mount cannot hold variables", hint);
    return undefined;
  }
  const fields = fieldsOf(flag);
  const type = typeOf(fields);
  if (!Object.hasOwn(mountTypes, type)) {
    const hint = didYouMean(nearest(type, Object.keys(mountTypes))) ?? "write --mount=type=secret,id=NAME";
    problem(input, flag.value.span, `there is no mount of the type ${quoted(type)}`, hint);
    return undefined;
  }
  if (type !== "secret") return undefined;
  return readSecretMount(fields, flag.span, (message, hint) => problem(input, flag.span, message, hint));
}

function fieldsOf({ value }: Flag): MountFields {
  return (value?.text ?? "").split(",").map((field) => {
    const equals = field.indexOf("=");
    return equals < 0
      ? [field.toLowerCase(), undefined]
      : [field.slice(0, equals).toLowerCase(), field.slice(equals + 1)];
  });
}

/** Docker's own default is a bind mount. */
function typeOf(fields: MountFields): string {
  return fields.findLast(([name]) => name === "type")?.[1] ?? "bind";
}

function problem({ report }: Arguments<"RUN">, span: Span, message: string, hint: string): void {
  report({ severity: "error", code: "invalid-flag", message, hint, span });
}
