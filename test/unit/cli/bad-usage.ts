/** Wrong usage with all that is told of it. */
export interface BadUsage {
  readonly name: string;
  readonly argv: readonly string[];
  readonly files?: Readonly<Record<string, string>>;
  readonly env?: Readonly<Record<string, string>>;
  readonly stderr: readonly string[];
  /** 2, wrong usage, when absent. */
  readonly exitCode?: number;
}

const good = { Kubefile: "FROM scratch\nCMD kubectl version\n" };
const asForHelp = "  hint: run it with --help for its flags and examples";

export const badUsage: readonly BadUsage[] = [
  {
    name: "a verb that does not exist",
    argv: ["bild", "."],
    stderr: ["error[USAGE]: unknown command 'bild'", "  hint: did you mean build?"],
  },
  {
    name: "a flag that does not exist, like one that does",
    argv: ["build", "--quiet-windov", "3s", "."],
    stderr: ["error[USAGE]: unknown option '--quiet-windov'", "  hint: did you mean --quiet-window?"],
  },
  {
    name: "a flag that does not exist, like none",
    argv: ["clean", "--zzzzzzzzz"],
    stderr: ["error[USAGE]: unknown option '--zzzzzzzzz'", asForHelp],
  },
  {
    name: "no context",
    argv: ["build"],
    stderr: ["error[USAGE]: missing required argument 'context'", asForHelp],
  },
  {
    name: "a lock that holds and does not count",
    argv: ["build", "--locked", "--no-lock", "."],
    files: good,
    stderr: ["error[USAGE]: --locked and --no-lock contradict each other", "  hint: leave one of them out"],
  },
  {
    name: "a locked build without a lock",
    argv: ["build", "--locked", "."],
    files: good,
    stderr: [
      "error[USAGE]: --locked needs kubefile.lock, and there is none",
      "  hint: kubefile build --lock writes it; commit it beside the Kubefile",
    ],
  },
  {
    name: "no lock to refresh",
    argv: ["lock"],
    files: good,
    stderr: [
      "error[USAGE]: there is no kubefile.lock to refresh",
      "  hint: which images a launch needs is found by a build: kubefile build --lock writes the first one",
    ],
  },
  {
    name: "a lock that is none",
    argv: ["build", "."],
    files: { ...good, "kubefile.lock": "apiVersion: imgpkg.carvel.dev/v1alpha1\nkind: ImagesLock\nimages: [a]\n" },
    stderr: [
      'error[LOCK_INVALID]: kubefile.lock:3:10: images[0] must be a map of names to values, not "a"',
      "  hint: docs/lock.md shows one",
    ],
  },
  {
    name: "two contexts",
    argv: ["build", "one", "two"],
    stderr: ["error[USAGE]: too many arguments for 'build'. Expected 1 argument but got 2.", asForHelp],
  },
  {
    name: "a flag without its value",
    argv: ["build", ".", "--tag"],
    stderr: ["error[USAGE]: option '-t, --tag <ref>' argument missing", asForHelp],
  },
  {
    name: "a choice that is none",
    argv: ["build", "--capture", "guess", "."],
    stderr: [
      "error[USAGE]: option '--capture <how>' argument 'guess' is invalid. Allowed choices are cluster, static.",
      asForHelp,
    ],
  },
  {
    name: "a progress style that is none, of verify",
    argv: ["verify", "--progress", "fancy", "shop:1"],
    stderr: [
      "error[USAGE]: option '--progress <style>' argument 'fancy' is invalid. Allowed choices are auto, tty, plain, json.",
      asForHelp,
    ],
  },
  {
    name: "a duration without a unit",
    argv: ["build", "--quiet-window", "20", "."],
    stderr: ['error[USAGE]: --quiet-window "20" is not a duration', "  hint: write 20s, 10m, 1h30m or 14d"],
  },
  {
    name: "a negative duration, of run",
    argv: ["run", "--timeout=-5s", "shop:1"],
    stderr: ['error[USAGE]: --timeout "-5s" is not a duration', "  hint: write 20s, 10m, 1h30m or 14d"],
  },
  {
    name: "less time than the quiet window takes",
    argv: ["build", "--timeout", "20s", "."],
    files: good,
    stderr: [
      "error[USAGE]: --timeout leaves no room for the quiet window, so that no launch could settle",
      "  hint: make --timeout longer than --quiet-window; without them they are 10m and 20s",
    ],
  },
  {
    name: "more time than a timer takes, of verify",
    argv: ["verify", "--timeout", "30d", "shop:1"],
    stderr: ["error[USAGE]: --timeout is longer than 24 days", "  hint: write 10m or 1h30m"],
  },
  {
    name: "a context that is not there",
    argv: ["build", "nowhere"],
    stderr: [
      "error[USAGE]: nowhere is not a directory",
      "  hint: the last argument is the build context, a directory: kubefile build .",
    ],
  },
  {
    name: "a context that is a file",
    argv: ["build", "Kubefile"],
    files: good,
    stderr: [
      "error[USAGE]: Kubefile is not a directory",
      "  hint: the last argument is the build context, a directory: kubefile build .",
    ],
  },
  {
    name: "a context without a Kubefile",
    argv: ["build", "."],
    files: { "shop.yaml": "" },
    stderr: ["error[USAGE]: Kubefile does not exist", "  hint: name a Kubefile, or the directory that holds one"],
  },
  {
    name: "a context with nothing in it",
    argv: ["build", "."],
    stderr: [
      "error[USAGE]: Kubefile does not exist",
      "  hint: its directory is empty: a job of GitHub has to check its repository out before (actions/checkout)",
    ],
  },
  {
    name: "a Kubefile in lower case",
    argv: ["build", "."],
    files: { kubefile: "FROM scratch\n" },
    stderr: ["error[USAGE]: Kubefile does not exist", '  hint: did you mean "kubefile"?'],
  },
  {
    name: "values in a file that is not there",
    argv: ["preview", "--values", "cart=/none.yaml", "."],
    files: good,
    stderr: [
      "error[USAGE]: --values /none.yaml cannot be read: ENOENT: no such file or directory, access '/none.yaml'",
      "  hint: name a file that is there; relative paths are those of the current directory",
    ],
  },
  {
    name: "a preview of a directory that is not there",
    argv: ["preview", "deploy/shop"],
    files: good,
    stderr: [
      "error[USAGE]: deploy/shop is not a directory",
      "  hint: name a build context, or a cluster image at a registry: kubefile preview .",
    ],
  },
  {
    name: "a Kubefile that is not there",
    argv: ["build", "-f", "deploy/Kubefile", "."],
    files: good,
    stderr: [
      "error[USAGE]: deploy/Kubefile does not exist",
      "  hint: name a Kubefile, or the directory that holds one",
    ],
  },
  {
    name: "a Kubefile that is a directory",
    argv: ["build", "-f", ".", "."],
    files: good,
    stderr: ["error[USAGE]: . is not a file", "  hint: name a Kubefile, or the directory that holds one"],
  },
  {
    name: "a Kubefile that is a device",
    argv: ["lint", "/dev/zero"],
    stderr: ["error[USAGE]: /dev/zero is not a file", "  hint: name a Kubefile, or the directory that holds one"],
  },
  {
    name: "an image to capture that is none",
    argv: ["build", "--include", "Shop Web", "."],
    files: good,
    stderr: [
      'error[REFERENCE_INVALID]: "Shop Web" is not an image reference: "Shop Web" is not a repository name',
      "  hint: write it as [REGISTRY/]NAME[:TAG][@sha256:DIGEST], in lower case",
    ],
  },
  {
    name: "images to leave out that are none",
    argv: ["build", "--exclude", "", "."],
    files: good,
    stderr: [
      'error[USAGE]: --exclude "" is not a pattern',
      "  hint: write the name of an image, or a pattern such as ghcr.io/shop/**",
    ],
  },
  {
    name: "a digest that nothing here has",
    argv: ["inspect", "sha256:0123456789ab"],
    stderr: [
      "error[USAGE]: no cluster image with a name here has the digest sha256:0123456789ab",
      "  hint: `kubefile images` lists them; `kubefile build -t NAME .` gives what it builds a name; one at a registry is NAME@sha256:DIGEST",
    ],
  },
  {
    name: "a push of a digest to nowhere",
    argv: ["push", `shop@sha256:${"0".repeat(64)}`],
    stderr: [
      `error[USAGE]: shop@sha256:${"0".repeat(64)} is a digest, which does not say where to push to`,
      "  hint: add the name there: kubefile push DIGEST REGISTRY/NAME:TAG",
    ],
  },
  {
    name: "a push to nowhere",
    argv: ["build", "--push", "."],
    files: good,
    stderr: ["error[USAGE]: --push needs a name to push to", "  hint: add --tag REGISTRY/NAME:TAG"],
  },
  {
    name: "a push to nowhere, by digest",
    argv: ["build", "--push-by-digest", "."],
    files: good,
    stderr: ["error[USAGE]: --push-by-digest needs a name to push to", "  hint: add --tag REGISTRY/NAME:TAG"],
  },
  {
    name: "a promotion outside of CI",
    argv: ["promote", "registry.example/shop:1"],
    stderr: [
      "error[USAGE]: there is no CI run here that would say which commit this is",
      "  hint: `kubefile tag` gives an image any name",
    ],
  },
  {
    name: "a tag that is no reference",
    argv: ["build", "--tag", "Shop:1", "."],
    files: good,
    stderr: [
      'error[REFERENCE_INVALID]: "Shop:1" is not an image reference: "Shop" is not a repository name',
      "  hint: write it as [REGISTRY/]NAME[:TAG][@sha256:DIGEST], in lower case",
    ],
  },
  {
    name: "a tag with a digest",
    argv: ["build", "--tag", `shop@sha256:${"a".repeat(64)}`, "."],
    files: good,
    stderr: [
      `error[USAGE]: shop@sha256:${"a".repeat(64)} names a digest, which cannot be chosen`,
      "  hint: leave out @sha256:…",
    ],
  },
  {
    name: "an output of another type",
    argv: ["build", "--output", "type=docker,dest=shop.tar", "."],
    files: good,
    stderr: [
      'error[USAGE]: --output "type=docker,dest=shop.tar" is not understood',
      "  hint: write --output type=oci,dest=FILE",
    ],
  },
  {
    name: "an output without a file",
    argv: ["build", "--output", "type=oci", "."],
    files: good,
    stderr: ['error[USAGE]: --output "type=oci" is not understood', "  hint: write --output type=oci,dest=FILE"],
  },
  {
    name: "an output with a field of its own",
    argv: ["build", "--output", "type=oci,dest=shop.tar,compression=zstd", "."],
    files: good,
    stderr: [
      'error[USAGE]: --output "type=oci,dest=shop.tar,compression=zstd" is not understood',
      "  hint: write --output type=oci,dest=FILE",
    ],
  },
  {
    name: "an output into a directory that is not there",
    argv: ["build", "--output", "type=oci,dest=/nowhere/shop.tar", "."],
    files: good,
    stderr: [
      "error[USAGE]: cannot write /nowhere/shop.tar: there is no directory /nowhere",
      "  hint: name a file in a directory that exists and that you may write to",
    ],
  },
  {
    name: "a report into a directory that is a file",
    argv: ["build", "--report", "/dev/null/report.json", "."],
    files: good,
    stderr: [
      "error[USAGE]: cannot write /dev/null/report.json: there is no directory /dev/null",
      "  hint: name a file in a directory that exists and that you may write to",
    ],
  },
  {
    name: "a build argument without a value",
    argv: ["build", "--build-arg", "VERSION", "."],
    files: good,
    stderr: ['error[USAGE]: --build-arg "VERSION" has no value', "  hint: write --build-arg NAME=VALUE"],
  },
  {
    name: "a build argument without a name",
    argv: ["build", "--build-arg", "=2", "."],
    files: good,
    stderr: ['error[USAGE]: --build-arg "=2" has no name', "  hint: write --build-arg NAME=VALUE"],
  },
  {
    name: "a value for the launch whose name no shell can read",
    argv: ["run", "--env", "my.var=1", "shop:1"],
    stderr: [
      'error[USAGE]: --env "my.var" is not the name of a variable',
      "  hint: use letters, digits and underscores",
    ],
  },
  {
    name: "a base registry that is none",
    argv: ["build", "--base-registry", "team/bases", "."],
    files: good,
    stderr: [
      'error[USAGE]: --base-registry: "team/bases" is not a registry',
      "  hint: write HOST or HOST/PATH, such as registry.example/team",
    ],
  },
  {
    name: "a mirror without an address",
    argv: ["build", "--mirror", "docker.io", "."],
    files: good,
    stderr: ['error[USAGE]: --mirror "docker.io" has no value', "  hint: write --mirror HOST=URL"],
  },
  {
    name: "a mirror without a scheme",
    argv: ["verify", "--mirror", "docker.io=mirror.example", "shop:1"],
    stderr: [
      "error[USAGE]: --mirror docker.io=mirror.example is not HOST=URL",
      "  hint: write --mirror docker.io=https://mirror.example",
    ],
  },
  {
    name: "a mirror of what is no registry",
    argv: ["verify", "--mirror", "docker.io/library=https://mirror.example", "shop:1"],
    stderr: [
      "error[USAGE]: --mirror docker.io/library=https://mirror.example is not HOST=URL",
      "  hint: write --mirror docker.io=https://mirror.example",
    ],
  },
  {
    name: "a mirror with a password, which is not repeated",
    argv: ["verify", "--mirror", "docker.io=https://robot:hunter22@mirror.example", "shop:1"],
    stderr: [
      "error[USAGE]: --mirror for docker.io carries a password",
      "  hint: put credentials into the docker configuration (docker login)",
    ],
  },
  {
    name: "an insecure registry that is an address",
    argv: ["verify", "--insecure", "http://registry.local", "shop:1"],
    stderr: [
      'error[USAGE]: --insecure "http://registry.local" is not a registry',
      "  hint: write the host, and the port when it has one: --insecure registry.local:5000",
    ],
  },
  {
    name: "a cluster name with capitals",
    argv: ["run", "--name", "Demo", "shop:1"],
    stderr: [
      'error[USAGE]: --name "Demo" cannot name a cluster',
      "  hint: use up to 32 lower-case letters, digits and dashes",
    ],
  },
  {
    name: "a cluster name that is too long",
    argv: ["run", "--name", "d".repeat(33), "shop:1"],
    stderr: [
      `error[USAGE]: --name "${"d".repeat(33)}" cannot name a cluster`,
      "  hint: use up to 32 lower-case letters, digits and dashes",
    ],
  },
  {
    name: "a local image that is not there",
    argv: ["push", "shop:1"],
    stderr: [
      "error[USAGE]: there is no cluster image shop:1 here",
      "  hint: `kubefile images` lists them; build it with `kubefile build -t NAME .`; one that its build has pushed need not be here",
    ],
  },
  {
    name: "certificates that are not checked",
    argv: ["verify", "shop:1"],
    env: { NODE_TLS_REJECT_UNAUTHORIZED: "0" },
    stderr: [
      "error[USAGE]: NODE_TLS_REJECT_UNAUTHORIZED=0 would let anybody play a registry",
      "  hint: unset it; trust a registry's own authority with NODE_EXTRA_CA_CERTS, or name a plain one with --insecure",
    ],
  },
  {
    name: "a SOURCE_DATE_EPOCH that is a date",
    argv: ["build", "."],
    files: good,
    env: { SOURCE_DATE_EPOCH: "2024-01-01" },
    stderr: [
      'error[USAGE]: SOURCE_DATE_EPOCH="2024-01-01" is not a number of seconds',
      "  hint: unset it, or set it to seconds since 1970: $(git log -1 --format=%ct)",
    ],
  },
  {
    name: "a key of kubefile.yaml that does not exist",
    argv: ["build", "."],
    files: { ...good, "kubefile.yaml": "tags: [shop:1]\n" },
    stderr: ['error[PROJECT_FILE_INVALID]: kubefile.yaml:1:1: there is no key "tags"', '  hint: did you mean "tag"?'],
  },
  {
    name: "several problems of kubefile.yaml",
    argv: ["build", "."],
    files: { ...good, "kubefile.yaml": "push: yes\nwait: soon\n" },
    stderr: [
      "error[PROJECT_FILE_INVALID]: kubefile.yaml:1:7: 2 problems:",
      '  | kubefile.yaml:1:7: push must be true or false, not "yes" (write true or false, without quotes)',
      '  | kubefile.yaml:2:7: wait cannot be "soon" (write ready or pulled)',
      "  hint: docs/kubefile-yaml.md describes every key",
    ],
  },
  {
    name: "a tag of kubefile.yaml that is no reference",
    argv: ["build", "."],
    files: { ...good, "kubefile.yaml": "tag: ['shop:1:2']\n" },
    stderr: [
      'error[REFERENCE_INVALID]: "shop:1:2" is not an image reference: "shop:1" is not a repository name',
      "  hint: write it as [REGISTRY/]NAME[:TAG][@sha256:DIGEST], in lower case",
    ],
  },
  {
    name: "a Kubefile with problems: each with its line, then their number",
    argv: ["build", "."],
    files: { Kubefile: "FROM scratch\nCOPPY a b\nCMD kubectl apply -f x.yaml\n" },
    stderr: [
      'Kubefile:2:1: error[unknown-instruction]: "COPPY" is not an instruction',
      "2 | COPPY a b",
      "  | ^^^^^",
      '  = hint: did you mean "COPY"?',
      "",
      'Kubefile:3:22: warning[path-not-created]: no COPY, ADD or APP creates the path "x.yaml"; a command must',
      "3 | CMD kubectl apply -f x.yaml",
      "  |                      ^^^^^^",
      "  = hint: COPY it from the build context, or make it with RUN",
      "",
      "error[KUBEFILE_INVALID]: Kubefile has 1 error, 1 warning",
      "  hint: `kubefile lint` checks a Kubefile without building it",
    ],
  },
  {
    name: "a note of a file that is not there",
    argv: ["note", "--file", "note.md", "--key", "preview"],
    stderr: [
      "error[USAGE]: note.md cannot be read",
      "  hint: name a file of markdown with --file, or a verdict with --verdict",
    ],
  },
  {
    name: "a note without a key",
    argv: ["note", "--file", "note.md"],
    stderr: ["error[USAGE]: required option '--key <key>' not specified", asForHelp],
  },
  {
    name: "no engine",
    argv: ["clean"],
    exitCode: 3,
    stderr: [
      "error[ENGINE_MISSING]: no Docker Engine answers: there is no docker command on PATH",
      "  hint: install Docker Engine (https://docs.docker.com/engine/install/) and start it, or point DOCKER_HOST at one; `kubefile build --capture static` needs none, but finds only the images that files name, and launches nothing",
    ],
  },
];
