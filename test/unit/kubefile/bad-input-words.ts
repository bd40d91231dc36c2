import type { BadInput } from "./bad-input.ts";

const longLine = `RUN echo ${"x".repeat(65_536)}`;

export const lineCases: readonly BadInput[] = [
  {
    name: "nothing at all",
    kubefile: [""],
    expected: [
      "1:1 error[empty-file]: the Kubefile is empty => start with FROM scratch, COPY the files of the application, and name what to start with CMD",
    ],
  },
  {
    name: "comments only",
    kubefile: ["# FROM scratch", "", "  # CMD true"],
    expected: [
      "1:1 error[empty-file]: the Kubefile is empty => start with FROM scratch, COPY the files of the application, and name what to start with CMD",
    ],
  },
  {
    name: "a line over 64 KiB",
    kubefile: ["FROM scratch", longLine, "CMD true"],
    expected: [
      "2:1 error[line-too-long]: the line has 65545 bytes; at most 65536 are read => continue it on further lines, or move the text into a file and COPY it",
    ],
  },
  {
    name: "text that is not UTF-8, but in a comment",
    kubefile: ["FROM scratch", "# d\uFFFDployer", "LABEL owner=Jos\uFFFD", "RUN <<X", "echo \uFFFD", "X", "CMD true"],
    expected: [
      "3:16 error[invalid-encoding]: a character that is not UTF-8 => save the file as UTF-8",
      "5:6 error[invalid-encoding]: a character that is not UTF-8 => save the file as UTF-8",
    ],
  },
  {
    name: "UTF-16",
    kubefile: ["\uFFFD\uFFFDF\0R\0O\0M\0 \0s\0\r\0", "\0C\0M\0D\0 \0x\0"],
    expected: [
      "1:1 error[invalid-encoding]: the file is UTF-16 text, not UTF-8 => save it as UTF-8; Windows PowerShell: Out-File -Encoding utf8",
    ],
  },
  {
    name: "a program in the Kubefile's place",
    kubefile: ["\u007fELF\u0002\u0001\0\0", "\uFFFD\u0008\uFFFDx"],
    expected: ["1:1 error[invalid-encoding]: the file is no text => name a Kubefile"],
  },
  {
    name: "a control character",
    kubefile: ["FROM scratch", "COPY a\u0007b .", "CMD true"],
    expected: ["2:7 error[invalid-character]: control character U+0007 => remove it"],
  },
  {
    name: "a no-break space",
    kubefile: ["FROM scratch", "COPY\u00a0etc .", "CMD true"],
    expected: ["2:5 warning[invalid-character]: U+00A0 looks like a space and is none => type a plain space instead"],
  },
  {
    name: "an impossible escape character",
    kubefile: ["# escape=/", "FROM scratch", "CMD true"],
    expected: ['1:1 error[invalid-directive]: "/" cannot be the escape character => write # escape=\\ or # escape=`'],
  },
  {
    name: "a blank line in a continued instruction",
    kubefile: ["FROM scratch", "CMD kubectl \\", "", "  apply -k ."],
    expected: [
      "3:1 warning[empty-continuation]: blank line inside a continued instruction => remove it, or write # on it; Docker will not accept it for ever",
    ],
  },
  {
    name: "a continuation at the end",
    kubefile: ["FROM scratch", "CMD true \\"],
    expected: [
      "2:10 warning[continuation-at-end]: the last line ends with \\, but nothing follows that it could be continued with => remove the \\",
    ],
  },
  {
    name: "a continuation that was forgotten",
    kubefile: ["FROM scratch", "RUN mkdir a", "  && mkdir b", "CMD true"],
    expected: [
      '3:3 error[unknown-instruction]: "&&" is not an instruction => does the line above lack a \\ at its end?',
    ],
  },
  {
    name: "a here-document without an end",
    kubefile: ["FROM scratch", "RUN cat > a.yaml <<EOF", "kind: Pod", "CMD true"],
    expected: [
      '2:18 error[unterminated-heredoc]: the here-document "EOF" has no closing line => end it with a line that is EOF and nothing else',
    ],
  },
];

export const wordCases: readonly BadInput[] = [
  {
    name: "an open double quote",
    kubefile: ["FROM scratch", 'ENV GREETING="hello', "CMD true"],
    expected: [
      '2:14 error[unterminated-quote]: the quote " is never closed => close it, or write \\" for the character itself',
    ],
  },
  {
    name: "an open single quote",
    kubefile: ["FROM scratch", "COPY it's.yaml .", "CMD true"],
    expected: [
      "2:1 error[missing-argument]: COPY has a source but no destination => write COPY SOURCE .",
      "2:8 error[unterminated-quote]: the quote ' is never closed => close it, or write \\' for the character itself",
    ],
  },
  {
    name: "an open brace",
    kubefile: ["FROM scratch", "ARG DIR=etc", "COPY ${DIR .", "CMD true"],
    expected: [
      "3:6 error[bad-substitution]: `${DIR` is never closed => add the }, and quote the value when it holds spaces",
    ],
  },
  {
    name: "an open default value",
    kubefile: ["FROM scratch", "LABEL a=${X:-b", "CMD true"],
    expected: [
      "2:9 error[bad-substitution]: `${X:-` is never closed => add the }, and quote the value when it holds spaces",
    ],
  },
  {
    name: "a brace without a name",
    kubefile: ["FROM scratch", "LABEL a=${1}", "CMD true"],
    expected: ["2:9 error[bad-substitution]: `${` is not followed by a variable's name => write \\${ for the text"],
  },
  {
    name: "an operator that is not known",
    kubefile: ["FROM scratch", "ARG F=a.yaml", "LABEL a=${F%.yaml}", "CMD true"],
    expected: [
      "3:9 error[bad-substitution]: `${F` is followed by something that cannot be read => only ${X}, ${X:-default}, ${X:+value} and ${X:?message} are known",
    ],
  },
  {
    name: "a variable that nothing declares",
    kubefile: ["FROM scratch", "ARG VERSION=1", "COPY charts-$VERSOIN .", "LABEL v=$NONE", "CMD true"],
    expected: [
      '3:13 error[unset-variable]: no ARG or ENV before this line declares $VERSOIN => did you mean "VERSION"?',
      "4:9 warning[unset-variable]: no ARG or ENV before this line declares $NONE => declare it with ARG NONE, or write \\$NONE if the text itself is meant",
    ],
  },
  {
    name: "a variable declared too late",
    kubefile: ["FROM scratch", "COPY $DIR .", "ARG DIR=etc", "CMD true"],
    expected: [
      "2:6 error[unset-variable]: no ARG or ENV before this line declares $DIR => declare it with ARG DIR, or write \\$DIR if the text itself is meant",
    ],
  },
  {
    name: "an unquoted list in LAUNCH",
    kubefile: ["FROM scratch", "APP a local://a", "APP b local://b", "LAUNCH [a, b]"],
    expected: [
      '4:8 error[unquoted-json]: the list of LAUNCH is not JSON: each element needs double quotes => write ["a", "b"]',
    ],
  },
  {
    name: "single quotes in a list",
    kubefile: ["FROM scratch", "CMD ['kubectl apply -f a.yaml', 'kubectl get pods']"],
    expected: [
      '2:5 error[unquoted-json]: the list of CMD is not JSON: each element needs double quotes => write ["kubectl apply -f a.yaml", "kubectl get pods"]',
    ],
  },
  {
    name: "a list that never ends",
    kubefile: ["FROM scratch", 'CMDS ["kubectl apply -f a.yaml"'],
    expected: [
      '2:6 error[unquoted-json]: the list of CMDS is not JSON: the closing bracket is missing => write ["kubectl apply -f a.yaml"]',
    ],
  },
  {
    name: "a list with a number",
    kubefile: ["FROM scratch", 'CMD ["sleep", 5]'],
    expected: [
      '2:5 error[json-not-strings]: the list of CMD holds something else than strings => write ["sleep", "5"]',
    ],
  },
  {
    name: "text behind a list",
    kubefile: ["FROM scratch", "APP a local://a", 'LAUNCH ["a"] # the shop'],
    expected: [
      '3:14 error[text-after-json]: "# the shop" stands after the end of the list => put it into the list, or remove it',
    ],
  },
];
