import type { BadInput } from "./bad-input.ts";

export const instructionCases: readonly BadInput[] = [
  {
    name: "a misspelt instruction",
    kubefile: ["FROM scratch", "COPPY etc .", "CMD true"],
    expected: ['2:1 error[unknown-instruction]: "COPPY" is not an instruction => did you mean "COPY"?'],
  },
  {
    name: "an instruction from nowhere",
    kubefile: ["FROM scratch", "INSTALL shop", "CMD true"],
    expected: [
      '2:1 error[unknown-instruction]: "INSTALL" is not an instruction => a Kubefile has FROM COPY ADD ARG ENV RUN LABEL MAINTAINER APP APPCMDS APPENV CNI CSI KUBEVERSION LAUNCH CMD CMDS',
    ],
  },
  {
    name: "a command without an instruction",
    kubefile: ["FROM scratch", "kubectl apply -f etc"],
    expected: [
      "1:1 warning[no-launch]: nothing is started: there is no CMD, CMDS or LAUNCH => end the file with CMD and the command that starts the application",
      '2:1 error[unknown-instruction]: "kubectl" is not an instruction => write RUN kubectl ... to run it during the build, CMD kubectl ... to run it at launch, or end the line above with \\',
    ],
  },
  {
    name: "the other words of a Dockerfile",
    kubefile: [
      "FROM scratch",
      "WORKDIR /app",
      'ENTRYPOINT ["sh"]',
      "USER 1000",
      "VOLUME /data",
      "EXPOSE 80",
      'SHELL ["bash", "-c"]',
      "HEALTHCHECK NONE",
      "STOPSIGNAL TERM",
      "ONBUILD COPY . .",
      "CMD true",
    ],
    expected: [
      "2:1 error[dockerfile-instruction]: a Kubefile has no WORKDIR => write the path in COPY and CMD; everything is relative to the root of the cluster image",
      "3:1 error[dockerfile-instruction]: a Kubefile has no ENTRYPOINT => write what starts the application as CMD; every CMD runs, in order",
      "4:1 error[dockerfile-instruction]: a Kubefile has no USER => remove it; all files belong to root, and pods choose their user in their manifests",
      "5:1 error[dockerfile-instruction]: a Kubefile has no VOLUME => remove it; applications ask for storage with a PersistentVolumeClaim",
      "6:1 error[dockerfile-instruction]: a Kubefile has no EXPOSE => remove it; Services of the application decide what can be reached",
      "7:1 error[dockerfile-instruction]: a Kubefile has no SHELL => remove it; commands are run by sh",
      "8:1 error[dockerfile-instruction]: a Kubefile has no HEALTHCHECK => remove it; probes of the application's pods decide when they are ready",
      "9:1 error[dockerfile-instruction]: a Kubefile has no STOPSIGNAL => remove it; nothing of a cluster image is a process",
      "10:1 error[dockerfile-instruction]: a Kubefile has no ONBUILD => write the instruction itself; nothing is built from a cluster image later",
    ],
  },
  {
    name: "a flag that COPY lacks",
    kubefile: ["FROM scratch", "COPY --chmode=0755 a b", "CMD true"],
    expected: ['2:6 error[unknown-flag]: COPY has no flag "--chmode" => did you mean "--chmod"?'],
  },
  {
    name: "a flag where none is",
    kubefile: ["FROM scratch", "APP --type=helm a local://a", "LAUNCH a"],
    expected: ['2:5 error[unknown-flag]: APP has no flag "--type" => APP has no flags'],
  },
  {
    name: "a flag without a value",
    kubefile: ["FROM scratch", "COPY --chmod a b", "CMD true"],
    expected: ["2:6 error[invalid-flag]: --chmod needs a value => write --chmod=VALUE, without spaces around the ="],
  },
  {
    name: "a mode that is none",
    kubefile: ["FROM scratch", "COPY --chmod=u+x a b", "CMD true"],
    expected: ["2:14 error[invalid-flag]: --chmod=u+x is not a file mode => write it in octal, such as --chmod=0755"],
  },
  {
    name: "flags that change nothing",
    kubefile: ["FROM scratch", "COPY --chown=1:1 --link a b", "CMD true"],
    expected: [
      "2:6 warning[flag-without-effect]: COPY --chown has no effect => all files of a cluster image belong to root; remove it",
      "2:18 warning[flag-without-effect]: COPY --link has no effect => layers never depend on each other here; remove it",
    ],
  },
  {
    name: "COPY with one argument",
    kubefile: ["FROM scratch", "COPY etc", "CMD true"],
    expected: ["2:1 error[missing-argument]: COPY has a source but no destination => write COPY etc ."],
  },
  {
    name: "COPY with none",
    kubefile: ["FROM scratch", "COPY", "CMD true"],
    expected: ["2:1 error[missing-argument]: COPY needs a source and a destination => write COPY SOURCE DESTINATION"],
  },
  {
    name: "COPY of an empty path",
    kubefile: ["FROM scratch", 'COPY "" .', "CMD true"],
    expected: ["2:6 error[missing-argument]: COPY has an empty path => write . for the directory itself"],
  },
  {
    name: "FROM without an image",
    kubefile: ["FROM", "CMD true"],
    expected: ["1:1 error[missing-argument]: FROM needs an image => write FROM scratch"],
  },
  {
    name: "FROM with a comment behind it",
    kubefile: ["FROM scratch # nothing", "CMD true"],
    expected: ['1:14 error[extra-argument]: FROM does not take "#" => put the comment on a line of its own'],
  },
  {
    name: "FROM AS without a name",
    kubefile: ["FROM scratch AS", "CMD true"],
    expected: ["1:1 error[missing-argument]: FROM ... AS needs a name => write FROM IMAGE AS NAME"],
  },
  {
    name: "an image in capitals",
    kubefile: ["FROM registry.example/Shop:1", "CMD true"],
    expected: [
      '1:6 error[invalid-image]: "registry.example/Shop:1" is not an image reference => repository names are lower case: "registry.example/shop:1"',
    ],
  },
  {
    name: "an image that is none",
    kubefile: ["FROM shop::1", "CMD true"],
    expected: [
      '1:6 error[invalid-image]: "shop::1" is not an image reference => write scratch, or [REGISTRY/]NAME[:TAG][@sha256:DIGEST]',
    ],
  },
  {
    name: "a stage name that is none",
    kubefile: ["FROM scratch AS 1st", "CMD true"],
    expected: [
      '1:17 error[invalid-name]: "1st" is not a stage name => start with a letter; letters, digits, dots, dashes and underscores may follow',
    ],
  },
  {
    name: "ENV without a value",
    kubefile: ["FROM scratch", "ENV MODE", "ENV", "CMD true"],
    expected: [
      "2:1 error[missing-argument]: ENV MODE has no value => write ENV MODE=value",
      "3:1 error[missing-argument]: ENV needs NAME=value => write ENV NAME=value",
    ],
  },
  {
    name: "ENV with spaces in a bare value",
    kubefile: ["FROM scratch", "ENV A=1 two", "CMD true"],
    expected: [
      '2:9 error[missing-equals]: "two" is not of the form NAME=value => put a value that holds spaces in quotes: NAME="a b"',
    ],
  },
  {
    name: "ENV with spaces around the equals sign",
    kubefile: ["FROM scratch", "ENV A=1 =2", "CMD true"],
    expected: [
      '2:9 error[invalid-name]: "=2" has no name before the = => write NAME=value, without spaces around the =',
    ],
  },
  {
    name: "ENV with a name for no shell",
    kubefile: ["FROM scratch", "ENV my-mode=1", "CMD true"],
    expected: [
      '2:5 warning[invalid-name]: no shell can read a variable named "my-mode" => use letters, digits and underscores, and no digit at the start',
    ],
  },
  {
    name: "ARG without a name",
    kubefile: ["FROM scratch", "ARG", "CMD true"],
    expected: ["2:1 error[missing-argument]: ARG needs a name => write ARG NAME or ARG NAME=default"],
  },
  {
    name: "LABEL without an equals sign",
    kubefile: ["FROM scratch", "LABEL a=b c", "CMD true"],
    expected: [
      '2:11 error[missing-equals]: "c" is not of the form NAME=value => put a value that holds spaces in quotes: NAME="a b"',
    ],
  },
  {
    name: "MAINTAINER without a name",
    kubefile: ["FROM scratch", "MAINTAINER", "CMD true"],
    expected: [
      '2:1 error[missing-argument]: MAINTAINER needs a name => write MAINTAINER NAME, or LABEL maintainer="NAME"',
    ],
  },
  {
    name: "RUN without a command",
    kubefile: ["FROM scratch", "RUN", "RUN []", "CMD true"],
    expected: [
      "2:1 error[missing-argument]: RUN needs a command => write RUN COMMAND",
      "3:1 error[missing-argument]: RUN needs a command => write RUN COMMAND",
    ],
  },
  {
    name: "CMD without a command",
    kubefile: ["FROM scratch", "CMD"],
    expected: ["2:1 error[missing-argument]: CMD needs a command => write CMD kubectl apply -f FILE"],
  },
  {
    name: "an empty list of commands",
    kubefile: ["FROM scratch", "CMD []", 'CMDS ["true", " "]'],
    expected: [
      "2:5 error[empty-command]: the list of CMD is empty => remove the line, or name what to start",
      "3:15 error[empty-command]: a command of CMDS is empty => remove the empty string",
    ],
  },
  {
    name: "KUBEVERSION without a version",
    kubefile: ["FROM scratch", 'KUBEVERSION ""', "CMD true"],
    expected: [
      "2:1 error[missing-argument]: KUBEVERSION is empty => write a version or a range, such as KUBEVERSION v1.34.4",
    ],
  },
  {
    name: "KUBEVERSION that is none, twice",
    kubefile: ["FROM scratch", "KUBEVERSION latest", "KUBEVERSION v1.34.4", "CMD true"],
    expected: [
      '2:13 warning[kubeversion-format]: "latest" is neither a version nor a range of versions => write KUBEVERSION v1.34.4, or a range such as >=1.30 <1.35',
      "3:1 warning[duplicate-kubeversion]: a second KUBEVERSION; the one on line 2 is forgotten => keep one",
    ],
  },
];

export const orderCases: readonly BadInput[] = [
  {
    name: "no FROM",
    kubefile: ["COPY etc .", "CMD true"],
    expected: ["1:1 error[no-from]: the Kubefile has no FROM => write FROM scratch as the first line"],
  },
  {
    name: "FROM in the second place",
    kubefile: ["ARG A", "COPY etc .", "FROM scratch", "CMD true"],
    expected: [
      "2:1 error[from-not-first]: COPY stands before the first FROM => move FROM to the top; only ARG may stand before it",
    ],
  },
  {
    name: "LAUNCH in the middle",
    kubefile: ["FROM scratch", "APP a local://a", 'LAUNCH ["a"]', "COPY etc ."],
    expected: [
      "3:1 error[launch-not-last]: LAUNCH must be the last instruction, but COPY follows on line 4 => move LAUNCH to the end of the file",
    ],
  },
  {
    name: "LAUNCH twice",
    kubefile: ["FROM scratch", "APP a local://a", "LAUNCH a", "LAUNCH a"],
    expected: ["4:1 error[launch-twice]: a second LAUNCH; the first is on line 3 => put everything into one list"],
  },
  {
    name: "LAUNCH beside CMD",
    kubefile: ["FROM scratch", "APP a local://a", "CMD true", "LAUNCH a"],
    expected: [
      "4:1 error[launch-conflict]: LAUNCH cannot stand beside CMD on line 3 => keep one of them; APPCMDS changes how a launched application is started",
    ],
  },
  {
    name: "CMDS in the middle",
    kubefile: ["FROM scratch", 'CMDS ["true"]', "COPY etc ."],
    expected: [
      "2:1 error[launch-not-last]: CMDS must be the last instruction, but COPY follows on line 3 => move CMDS to the end of the file",
    ],
  },
  {
    name: "CMDS in shell form",
    kubefile: ["FROM scratch", "CMDS kubectl apply -f etc"],
    expected: ['2:6 error[cmds-not-json]: CMDS needs a JSON list of commands => write CMDS ["kubectl apply -f etc"]'],
  },
  {
    name: "nothing that starts",
    kubefile: ["FROM scratch", "APP shop local://shop"],
    expected: [
      '2:1 warning[no-launch]: nothing is started: there is no CMD, CMDS or LAUNCH => end the file with LAUNCH ["shop"]',
    ],
  },
];
