import type { BadInput } from "./bad-input.ts";

export const applicationCases: readonly BadInput[] = [
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
];

export const fileCases: readonly BadInput[] = [
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
    name: "several links that lead out",
    kubefile: ["FROM scratch", "COPY . .", "CMD true"],
    context: ["a -> /etc/passwd", "etc/b -> ../../x", "etc/c -> ../a", "etc/d -> e"],
    expected: [
      '2:6 error[link-escapes]: "a" is a link to "/etc/passwd", which is outside of the build context => replace it by the file itself, or by a relative link that stays inside',
      '2:6 error[link-escapes]: "etc/b" is a link to "../../x", which is outside of the build context => replace it by the file itself, or by a relative link that stays inside',
    ],
  },
  {
    name: "a directory that may not be read, whose files are not missed then",
    kubefile: ["FROM scratch", "COPY . .", "CMD kubectl apply -f etc/site/a.yaml"],
    context: ["etc/site/a.yaml"],
    unreadable: ["etc/site"],
    expected: [
      '2:6 error[source-unreadable]: the directory "etc/site" cannot be read: permission denied => make it readable for this user, or leave it out with a line in .kubefileignore',
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
];

export const launchCases: readonly BadInput[] = [
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
];

export const unsupportedCases: readonly BadInput[] = [
  {
    name: "what is not executed yet",
    kubefile: [
      "FROM --platform=linux/arm64 registry.example/base:1 AS base",
      "FROM base",
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
      "1:6 error[unsupported]: FROM --platform is not executed yet => remove it; `kubefile build --platform` says what all stages are built for",
      "4:5 error[unsupported]: git by another protocol than https is not executed yet => write https://HOST/PATH.git; a token for it is given with --secret id=GIT_AUTH_TOKEN.HOST",
      "5:5 error[unsupported]: RUN --mount is not executed yet => remove it; what RUN has fetched is kept with its layer",
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
