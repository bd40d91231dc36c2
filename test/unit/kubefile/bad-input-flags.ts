import type { BadInput } from "./bad-input.ts";

/** One RUN with one flag, and what is said of it. */
function mount(name: string, flags: string, ...said: readonly string[]): BadInput {
  return { name, kubefile: ["FROM scratch", `RUN ${flags} true`, "CMD true"], expected: said };
}

/** One COPY or ADD with one flag. */
function copy(name: string, instruction: string, ...said: readonly string[]): BadInput {
  return { name, kubefile: ["FROM scratch", instruction, "CMD true"], expected: said };
}

export const copyFlagCases: readonly BadInput[] = [
  copy(
    "a malformed pattern",
    "COPY --exclude=[a a b",
    "2:16 error[invalid-flag]: --exclude=[a is a malformed pattern => close every [ with ], write \\[ for the character itself, and a path after !",
  ),
  copy(
    "a flag that is neither on nor off",
    "COPY --parents=yes a b",
    "2:6 error[invalid-flag]: --parents=yes is neither true nor false => write --parents",
  ),
  copy(
    "flags of the other instruction",
    "COPY --unpack a b",
    '2:6 error[unknown-flag]: COPY has no flag "--unpack" => COPY has --from, --chown, --chmod, --link, --parents, --exclude',
  ),
  copy(
    "parents of ADD",
    "ADD --parents a b",
    '2:5 error[unknown-flag]: ADD has no flag "--parents" => ADD has --chown, --chmod, --link, --checksum, --keep-git-dir, --unpack, --exclude',
  ),
  copy(
    "what git keeps",
    "ADD --keep-git-dir https://example.com/a.git a",
    "2:5 error[unsupported]: ADD --keep-git-dir is not executed yet => RUN git clone; what git keeps there differs from machine to machine",
  ),
];

export const mountCases: readonly BadInput[] = [
  mount(
    "a secret without an id",
    "--mount=type=secret",
    "2:5 error[invalid-flag]: --mount=type=secret does not say which secret => write --mount=type=secret,id=NAME",
  ),
  mount(
    "a secret whose id is a path",
    "--mount=type=secret,id=../token",
    '2:5 error[invalid-flag]: "../token" is not the id of a secret => use letters, digits, dots, dashes and underscores',
  ),
  mount(
    "a misspelt field",
    "--mount=type=secret,id=a,requird",
    '2:5 error[invalid-flag]: --mount=type=secret has no "requird" => did you mean "required"?',
  ),
  mount(
    "a field without a value",
    "--mount=type=secret,id=a,target=",
    "2:5 error[invalid-flag]: --mount: target has no value => write target=VALUE",
  ),
  mount(
    "an owner",
    "--mount=type=secret,id=a,uid=1000",
    "2:5 error[invalid-flag]: --mount has uid => remove it; RUN runs as root",
  ),
  ...["token", "/rootfs/token", "/run/../rootfs/x", "/proc/x", "/run/secrets/"].map((target) =>
    mount(
      `a secret at ${target}`,
      `--mount=type=secret,id=a,target=${target}`,
      `2:5 error[invalid-flag]: a secret cannot be at "${target}" => write an absolute path outside of the rootfs, such as /root/.a, or leave it out`,
    ),
  ),
  mount(
    "a variable that no shell sets",
    "--mount=type=secret,id=a,env=UID --mount=type=secret,id=b,env=a-b",
    '2:5 error[invalid-flag]: "UID" is not a variable that a shell can set => use letters, digits and underscores',
    '2:38 error[invalid-flag]: "a-b" is not a variable that a shell can set => use letters, digits and underscores',
  ),
  mount(
    "what is required, and how",
    "--mount=type=secret,id=a,required=perhaps --mount=type=secret,id=b,mode=rw",
    "2:5 error[invalid-flag]: required=perhaps is neither true nor false => write required=true",
    "2:47 error[invalid-flag]: mode=rw is not a file mode => write it in octal, such as mode=0400",
  ),
  mount(
    "two secrets in one place",
    "--mount=type=secret,id=a,env=X --mount=type=secret,id=b,target=/run/secrets/c,env=X --mount=type=secret,id=c",
    "2:36 error[invalid-flag]: two secrets are to be the variable X => give one another env=NAME",
    "2:89 error[invalid-flag]: two secrets are to be the file /run/secrets/c => give one another target=PATH",
  ),
  mount(
    "a secret that a variable names",
    "--mount=type=secret,id=$ARCH",
    "2:13 error[invalid-flag]: --mount cannot hold variables => write it out: which secrets a step gets is for everybody to read",
  ),
  mount(
    "a mount of a type that is none",
    "--mount=type=secrets,id=a",
    '2:13 error[invalid-flag]: there is no mount of the type "secrets" => did you mean "secret"?',
  ),
  mount(
    "mounts of other types",
    "--mount=type=ssh --mount=target=/x --mount=type=tmpfs,target=/y",
    "2:5 error[unsupported]: RUN --mount is not executed yet => give it a key with --mount=type=secret,id=NAME",
    "2:22 error[unsupported]: RUN --mount is not executed yet => COPY what the command needs",
    "2:40 error[unsupported]: RUN --mount is not executed yet => remove it; what RUN writes below /tmp is in no layer",
  ),
  mount(
    "a flag that means a mount",
    "--secret=token",
    "2:5 error[unsupported]: RUN --secret is not executed yet => write --mount=type=secret,id=NAME",
  ),
];
