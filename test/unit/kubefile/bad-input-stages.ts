import type { BadInput } from "./bad-input.ts";

export const stageCases: readonly BadInput[] = [
  {
    name: "two stages of one name",
    kubefile: ["FROM scratch AS base", "FROM scratch AS Base", "COPY --from=base a .", "CMD true"],
    expected: ['2:17 error[duplicate-stage]: the stage "Base" is there already, on line 1 => choose another name'],
  },
  {
    name: "stages that cannot be named",
    kubefile: ["FROM scratch AS 1st", "FROM scratch AS scratch", "CMD true"],
    expected: [
      '1:17 error[invalid-name]: "1st" is not a stage name => start with a letter; letters, digits, dots, dashes and underscores may follow',
      '2:17 error[invalid-name]: "scratch" is not a stage name => start with a letter; letters, digits, dots, dashes and underscores may follow',
    ],
  },
  {
    name: "a copy from a stage below",
    kubefile: ["FROM scratch", "COPY --from=tools bin bin", "CMD true", "FROM scratch AS tools", "CMD true"],
    expected: [
      '2:13 error[unknown-stage]: the stage "tools" stands below, on line 4 => move it up: a stage is made of those above it',
    ],
  },
  {
    name: "copies from the stage itself",
    kubefile: ["FROM scratch AS a", "FROM scratch AS b", "COPY --from=b x y", "COPY --from=1 x y", "CMD true"],
    expected: [
      '3:13 error[unknown-stage]: a stage cannot copy from itself ("b") => did you mean "a"?',
      '4:13 error[unknown-stage]: a stage cannot copy from itself ("1") => did you mean "a"?',
    ],
  },
  {
    name: "a copy from a number that no stage has",
    kubefile: ["FROM scratch", "COPY --from=0 x y", "FROM scratch", "COPY --from=7 x y", "CMD true"],
    expected: [
      '2:13 error[unknown-stage]: a stage cannot copy from itself ("0") => leave out --from to copy from the build context',
      "4:13 error[unknown-stage]: there is no stage 7 above => the stage above is number 0",
    ],
  },
  {
    name: "images that are none",
    kubefile: ["FROM Registry.example/Base", "COPY --from=Tools:1 a b", "COPY --from=a//b c d", "CMD true"],
    expected: [
      '1:6 error[invalid-image]: "Registry.example/Base" is not an image reference => repository names are lower case: "registry.example/base"',
      '2:13 error[invalid-image]: "Tools:1" is not an image reference => repository names are lower case: "tools:1"',
      '3:13 error[invalid-image]: "a//b" is not an image reference => write scratch, or [REGISTRY/]NAME[:TAG][@sha256:DIGEST]',
    ],
  },
  {
    name: "a variable in --from",
    kubefile: ["ARG TOOLS=busybox", "FROM scratch", "COPY --from=$TOOLS /bin/x bin/", "CMD true"],
    expected: [
      "3:13 error[from-variable]: COPY --from cannot hold variables => write FROM $TOOLS AS NAME above, and COPY --from=NAME",
    ],
  },
  {
    name: "a launch in the middle of a stage, and one in each of two",
    kubefile: [
      ...["FROM scratch AS a", "LAUNCH a", "COPY x y"],
      ...["FROM a AS b", "APP b local://b", "LAUNCH b", "LAUNCH b"],
    ],
    expected: [
      "2:1 error[launch-not-last]: LAUNCH must be the last instruction, but COPY follows on line 3 => move LAUNCH to the end of the file",
      '2:8 error[app-not-declared]: no APP declares "a" => write APP a local://PATH before it',
      "7:1 error[launch-twice]: a second LAUNCH; the first is on line 6 => put everything into one list",
    ],
  },
  {
    name: "variables and applications of a stage that is not the base",
    kubefile: [
      ...["FROM scratch AS a", "ENV DIR=x", "APP a local://a"],
      ...["FROM a AS b", "COPY $DIR y"],
      ...["FROM scratch", "COPY $DIR y", "LAUNCH a"],
    ],
    expected: [
      "7:6 error[unset-variable]: no ARG or ENV before this line declares $DIR => declare it with ARG DIR, or write \\$DIR if the text itself is meant",
      '8:8 error[app-not-declared]: no APP declares "a" => write APP a local://PATH before it',
    ],
  },
];
