/** One bad Kubefile with everything that is said about it: `line:column severity[code]: message => hint`. */
export interface BadInput {
  readonly name: string;
  /** Lines of the Kubefile. */
  readonly kubefile: readonly string[];
  /** Entries of the build context (see createContext); without them the context is not looked at. */
  readonly context?: readonly string[];
  readonly expected: readonly string[];
}

const longLine = `RUN echo ${"x".repeat(65_536)}`;

export const badInputs: readonly BadInput[] = [
  // lines
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
  // words
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
  // instructions
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
      "1:6 error[unsupported]: FROM an image is not executed yet => start with FROM scratch and COPY what the image brought",
    ],
  },
  {
    name: "an image that is none",
    kubefile: ["FROM shop::1", "CMD true"],
    expected: [
      '1:6 error[invalid-image]: "shop::1" is not an image reference => write scratch, or [REGISTRY/]NAME[:TAG][@sha256:DIGEST]',
      "1:6 error[unsupported]: FROM an image is not executed yet => start with FROM scratch and COPY what the image brought",
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
  // order and number
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
  // applications
  {
    name: "an application declared twice",
    kubefile: ["FROM scratch", "APP a local://a", "CNI a local://b", "LAUNCH a"],
    expected: [
      '3:5 error[duplicate-app]: the application "a" is declared already, on line 2 => choose another name, or put all sources into one line',
    ],
  },
  {
    name: "LAUNCH of a misspelt application",
    kubefile: ["FROM scratch", "APP dashboard local://a", 'LAUNCH ["dashbord"]'],
    expected: ['3:9 error[app-not-declared]: no APP declares "dashbord" => did you mean "dashboard"?'],
  },
  {
    name: "LAUNCH of an application from nowhere",
    kubefile: ["FROM scratch", "APP a local://a", "LAUNCH a monitoring"],
    expected: [
      '3:10 error[app-not-declared]: no APP declares "monitoring" => write APP monitoring local://PATH before it',
    ],
  },
  {
    name: "an application left out",
    kubefile: ["FROM scratch", "APP a local://a", "APP b local://b", "LAUNCH a"],
    expected: [
      '3:5 info[app-not-launched]: LAUNCH does not name "b": it is carried along and not started => add "b" to LAUNCH to start it',
    ],
  },
  {
    name: "APPCMDS before its APP",
    kubefile: ["FROM scratch", 'APPCMDS a ["true"]', "APP a local://a", "LAUNCH a"],
    expected: ["2:1 error[app-declared-later]: APPCMDS a stands before its APP on line 3 => move it below line 3"],
  },
  {
    name: "APPCMDS in shell form",
    kubefile: ["FROM scratch", "APP a local://a", "APPCMDS a kubectl apply -f x", "LAUNCH a"],
    expected: [
      '3:11 error[unquoted-json]: APPCMDS needs a JSON list after the name => write APPCMDS a ["kubectl", "apply", "-f", "x"]',
    ],
  },
  {
    name: "APPCMDS without commands",
    kubefile: ["FROM scratch", "APP a local://a", "APPCMDS a", "APPCMDS a []", "LAUNCH a"],
    expected: [
      '3:1 error[missing-argument]: APPCMDS a has no commands => write APPCMDS NAME ["kubectl", "apply", "-f", "app.yaml"]',
      "4:11 error[empty-command]: the command of APPCMDS a is empty => remove the line to launch the application by its kind",
    ],
  },
  {
    name: "APPENV without an equals sign",
    kubefile: ["FROM scratch", "APP a local://a", "APPENV a MODE=1 DEBUG", "LAUNCH a"],
    expected: [
      '3:17 error[missing-equals]: "DEBUG" is not of the form NAME=value => put a value that holds spaces in quotes: NAME="a b"',
    ],
  },
  {
    name: "APPENV without a name",
    kubefile: ["FROM scratch", "APP a local://a", "APPENV MODE=1", "APPENV a", "LAUNCH a"],
    expected: [
      "3:1 error[missing-argument]: APPENV needs the name of an application before the variables => write APPENV NAME KEY=value",
      "4:1 error[missing-argument]: APPENV a sets nothing => write APPENV NAME KEY=value",
    ],
  },
  {
    name: "APP without a source",
    kubefile: ["FROM scratch", "APP shop", "LAUNCH shop"],
    expected: ["2:1 error[missing-argument]: APP shop has no source => write APP NAME local://PATH"],
  },
  {
    name: "APP without a name",
    kubefile: ["FROM scratch", "APP local://shop", "CMD true"],
    expected: ["2:1 error[missing-argument]: APP needs a name before the source => write APP NAME local://shop"],
  },
  {
    name: "APP with a name for no directory",
    kubefile: ["FROM scratch", "APP my/shop local://shop", "CMD true"],
    expected: [
      '2:5 error[invalid-name]: "my/shop" cannot be the name of an application => use letters, digits, dots, dashes and underscores, with a letter or digit at both ends',
    ],
  },
  {
    name: "APP sources without and with a strange scheme",
    kubefile: ["FROM scratch", "APP a charts/a", "APP b helm://charts/b", "LAUNCH a b"],
    expected: [
      '2:7 error[app-source-scheme]: the source "charts/a" of APP does not say where it is => write local://charts/a for a path of the build context',
      "3:7 error[app-source-scheme]: APP cannot read helm:// sources => use local://PATH",
    ],
  },
  {
    name: "an application of mixed files",
    kubefile: ["FROM scratch", "APP a local://a", "LAUNCH a"],
    context: ["a/app.yaml", "a/run.sh"],
    expected: [
      '2:5 error[app-type-unknown]: APP a is neither a chart, nor only manifests, nor only scripts => say how to start it: APPCMDS a ["COMMAND", "ARGUMENT"]',
    ],
  },
  // files
  {
    name: "a missing source with a near name",
    kubefile: ["FROM scratch", "COPY chart charts", "CMD true"],
    context: ["charts/shop/Chart.yaml"],
    expected: [
      '2:6 error[source-missing]: the source "chart" of COPY is not in the build context => did you mean "charts"?',
    ],
  },
  {
    name: "a missing source in another directory",
    kubefile: ["FROM scratch", "COPY shop.yaml manifests/", "CMD true"],
    context: ["deploy/shop.yaml"],
    expected: [
      '2:6 error[source-missing]: the source "shop.yaml" of COPY is not in the build context => did you mean "deploy/shop.yaml"?',
    ],
  },
  {
    name: "a missing source with nothing near",
    kubefile: ["FROM scratch", "COPY bin bin", "CMD true"],
    context: ["etc/a.yaml"],
    expected: [
      '2:6 error[source-missing]: the source "bin" of COPY is not in the build context => sources are relative to the build context',
    ],
  },
  {
    name: "a missing local source of APP",
    kubefile: ["FROM scratch", "APP shop local://chart", "LAUNCH shop"],
    context: ["charts/Chart.yaml"],
    expected: [
      '2:10 error[source-missing]: the source "chart" of APP is not in the build context => did you mean "charts"?',
    ],
  },
  {
    name: "a pattern that matches nothing",
    kubefile: ["FROM scratch", "COPY etc/*.yml .", "CMD true"],
    context: ["etc/a.yaml"],
    expected: [
      '2:6 error[source-missing]: the pattern "etc/*.yml" of COPY matches nothing in the build context => * and ? match within one directory; there is no ** here',
    ],
  },
  {
    name: "a source above the context",
    kubefile: ["FROM scratch", "COPY ../shared/etc .", "COPY etc/../../x .", "CMD true"],
    context: ["etc/a.yaml"],
    expected: [
      '2:6 error[path-escapes]: the source "../shared/etc" of COPY leads out of the build context => move the file into the context, or build with a directory further up as the context',
      '3:6 error[path-escapes]: the source "etc/../../x" of COPY leads out of the build context => move the file into the context, or build with a directory further up as the context',
    ],
  },
  {
    name: "an application above the context",
    kubefile: ["FROM scratch", "APP a local://../a", "LAUNCH a"],
    context: ["etc/a.yaml"],
    expected: [
      '2:7 error[path-escapes]: the source "../a" of APP leads out of the build context => move the file into the context, or build with a directory further up as the context',
    ],
  },
  {
    name: "a destination above the rootfs",
    kubefile: ["FROM scratch", "COPY etc ../etc", "CMD true"],
    context: ["etc/a.yaml"],
    expected: [
      '2:10 error[path-escapes]: the destination "../etc" leads out of the cluster image => write it relative to the root of the cluster image, without ..',
    ],
  },
  {
    name: "a link to an absolute path",
    kubefile: ["FROM scratch", "COPY etc .", "CMD true"],
    context: ["etc/passwd -> /etc/passwd"],
    expected: [
      '2:6 error[link-escapes]: "etc/passwd" is a link to "/etc/passwd", which is outside of the build context => replace it by the file itself, or by a relative link that stays inside',
    ],
  },
  {
    name: "a link that leads out",
    kubefile: ["FROM scratch", "COPY out/secret .", "CMD true"],
    context: ["out -> ../.."],
    expected: [
      '2:6 error[link-escapes]: "out" is a link to "../..", which is outside of the build context => replace it by the file itself, or by a relative link that stays inside',
    ],
  },
  {
    name: "several sources and a file for a destination",
    kubefile: ["FROM scratch", "COPY a b c", "CMD true"],
    context: ["a", "b"],
    expected: [
      '2:10 warning[destination-not-directory]: COPY has 2 sources, so "c" is taken for a directory => write c/',
    ],
  },
  // launch
  {
    name: "a path that no step creates",
    kubefile: ["FROM scratch", "COPY etc .", "CMD kubectl apply -f etc/tigera-operatr.yaml"],
    context: ["etc/tigera-operator.yaml"],
    expected: [
      '3:22 error[path-not-created]: no step creates the path "etc/tigera-operatr.yaml" => did you mean "etc/tigera-operator.yaml"?',
    ],
  },
  {
    name: "a path that only RUN can create",
    kubefile: ["FROM scratch", "RUN wget https://example.com/a.yaml", "CMD kubectl apply -f etc/a.yaml"],
    context: ["etc/b.txt"],
    expected: [
      '3:22 warning[path-not-created]: no COPY, ADD or APP creates the path "etc/a.yaml"; a command must => COPY it from the build context, or make it with RUN',
    ],
  },
  {
    name: "paths that COPY moved elsewhere",
    kubefile: [
      "FROM scratch",
      "COPY etc/ .",
      'CMD ["kubectl apply -f etc/a.yaml", "sh scripts/init.sh", "bash init.sh"]',
    ],
    context: ["etc/a.yaml", "etc/init.sh"],
    expected: [
      '3:24 error[path-not-created]: no step creates the path "etc/a.yaml" => did you mean "a.yaml"?',
      '3:41 error[path-not-created]: no step creates the path "scripts/init.sh" => did you mean "init.sh"?',
    ],
  },
  {
    name: "charts and values that are not there",
    kubefile: [
      "FROM scratch",
      "COPY charts charts",
      "CMD helm upgrade -i shop -n shop charts/shp -f values.yaml",
      "CMD helm install db bitnami/mysql",
    ],
    context: ["charts/shop/Chart.yaml", "charts/shop/values.yaml"],
    expected: [
      '3:34 error[path-not-created]: no step creates the chart "charts/shp" => did you mean "charts/shop"?',
      '3:48 error[path-not-created]: no step creates the path "values.yaml" => did you mean "charts/shop/values.yaml"?',
      '4:21 error[path-not-created]: no step creates the chart "bitnami/mysql" => COPY the chart into the image; a chart repository cannot be reached at launch',
    ],
  },
  {
    name: "a command of an application that reads beside its files",
    kubefile: ["FROM scratch", "APP a local://a", 'APPCMDS a ["kubectl", "apply", "-f", "a/app.yaml"]', "LAUNCH a"],
    context: ["a/app.yaml"],
    expected: [
      '3:39 error[path-not-created]: no step creates the path "application/apps/a/a/app.yaml" => did you mean "application/apps/a/app.yaml"?',
    ],
  },
  {
    name: "a launch that needs the network",
    kubefile: [
      "FROM scratch",
      "CMD kubectl apply -f https://example.com/operator.yaml",
      "CMD helm repo add shop https://charts.example.com && helm install shop shop/shop --repo https://charts.example.com",
      "CMD curl -sSL https://example.com/i.sh | sh",
    ],
    expected: [
      '2:22 warning[launch-needs-network]: the launch has no network, but this command fetches "https://example.com/operator.yaml" => fetch it during the build with RUN, and name the file that RUN makes',
      '3:24 warning[launch-needs-network]: the launch has no network, but this command fetches "https://charts.example.com" => fetch it during the build with RUN, and name the file that RUN makes',
      '3:89 warning[launch-needs-network]: the launch has no network, but this command fetches "https://charts.example.com" => fetch it during the build with RUN, and name the file that RUN makes',
      '4:15 warning[launch-needs-network]: the launch has no network, but this command fetches "https://example.com/i.sh" => fetch it during the build with RUN, and name the file that RUN makes',
    ],
  },
  {
    name: "the exec form of a Dockerfile",
    kubefile: ["FROM scratch", 'CMD ["kubectl", "apply", "-f", "a b.yaml"]'],
    expected: [
      '2:6 warning[exec-form]: CMD runs "kubectl" and "apply" as two commands: each element is a command line => write CMD ["kubectl apply -f \'a b.yaml\'"]',
    ],
  },
  // not executed yet
  {
    name: "what is not executed yet",
    kubefile: [
      "FROM --platform=linux/arm64 registry.example/base:1 AS base",
      "FROM scratch",
      "COPY --from=base /etc .",
      "COPY <<EOF a.yaml",
      "kind: Pod",
      "EOF",
      "ADD --checksum=sha256:00 https://example.com/a.tgz .",
      "ADD git@example.com:a/b.git b",
      "RUN --mount=type=cache,target=/x true",
      "RUN <<EOF",
      "#!/usr/bin/env python3",
      "print()",
      "EOF",
      "APP a https://example.com/a.yaml",
      "LAUNCH a",
    ],
    expected: [
      "1:6 error[unsupported]: FROM --platform is not executed yet => remove it; the image is built for the platform of the machine",
      "1:29 error[unsupported]: FROM an image is not executed yet => start with FROM scratch and COPY what the image brought",
      "2:1 error[unsupported]: several stages are not executed yet => prepare the files before the build and COPY them",
      "3:6 error[unsupported]: COPY --from is not executed yet => COPY the file from the build context",
      "4:6 error[unsupported]: a here-document in COPY is not executed yet => put the text into a file of the build context",
      "7:5 error[unsupported]: ADD --checksum is not executed yet => fetch with RUN wget and check with sha256sum -c",
      "7:26 error[unsupported]: ADD of an address is not executed yet => fetch it with RUN wget",
      "8:5 error[unsupported]: ADD of an address is not executed yet => fetch it with RUN git clone",
      "9:5 error[unsupported]: RUN --mount is not executed yet => COPY what the command needs",
      "10:5 error[unsupported]: a RUN here-document with an interpreter of its own is not executed yet => write the script into a file and run that",
      "14:7 error[unsupported]: a remote source of APP is not executed yet => download it into the build context and write local://PATH",
    ],
  },
  {
    name: "everything at once",
    kubefile: ["FORM scratch", "COPY etc", "ENV A", "LAUNCH [a]", "RUN true", "WORKDIR /x"],
    expected: [
      '1:1 error[unknown-instruction]: "FORM" is not an instruction => did you mean "FROM"?',
      "2:1 error[missing-argument]: COPY has a source but no destination => write COPY etc .",
      "3:1 error[missing-argument]: ENV A has no value => write ENV A=value",
      '4:8 error[unquoted-json]: the list of LAUNCH is not JSON: each element needs double quotes => write ["a"]',
      "6:1 error[dockerfile-instruction]: a Kubefile has no WORKDIR => write the path in COPY and CMD; everything is relative to the root of the cluster image",
    ],
  },
];
