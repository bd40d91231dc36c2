import { describe, expect, it } from "vitest";
import { parseKubefile } from "../../../src/kubefile/parser.ts";
import { resolveLaunch } from "../../../src/plan/launch.ts";
import { type Plan, planBuild } from "../../../src/plan/plan.ts";
import type { Step } from "../../../src/plan/step.ts";

const platform = { os: "linux", architecture: "amd64" };

function plan(text: string, buildArgs: Record<string, string> = {}): Plan {
  const { kubefile, diagnostics } = parseKubefile(text, "Kubefile");
  expect(diagnostics.filter(({ severity }) => severity === "error")).toEqual([]);
  return planBuild(kubefile, { buildArgs: new Map(Object.entries(buildArgs)), platform });
}

/** Of a Kubefile with one stage. */
function stepsOf({ stages }: Plan): readonly Step[] {
  expect(stages).toHaveLength(1);
  return stages[0]?.steps ?? [];
}

describe("planBuild", () => {
  it("replaces variables in files, not in what a shell will read", () => {
    const planned = plan(
      "FROM scratch\nARG VERSION=1\nENV NAME=shop\nCOPY charts/$NAME-${VERSION} charts/\nRUN echo $VERSION\nCMD echo $NAME",
      { VERSION: "2" },
    );
    const steps = stepsOf(planned);
    expect(steps[0]).toMatchObject({
      kind: "copy",
      sources: [{ kind: "context", paths: ["charts/shop-2"], unpack: false }],
      destination: "charts/",
    });
    expect(steps[1]).toMatchObject({ kind: "run", command: "echo $VERSION", env: { VERSION: "2", NAME: "shop" } });
    expect(planned.launch).toMatchObject({ kind: "commands", commands: [{ text: "echo $NAME" }] });
  });

  it("gives RUN only what was declared before it", () => {
    const steps = stepsOf(plan("FROM scratch\nARG A=1\nRUN one\nARG B=2\nENV C=3\nRUN two"));
    expect(steps.map((step) => step.kind === "run" && step.env)).toEqual([{ A: "1" }, { A: "1", B: "2", C: "3" }]);
  });

  it("lets ENV win over ARG, and all values of one ENV see the state before it", () => {
    const { env } = plan("FROM scratch\nARG X=arg\nENV X=env\nENV X=new Y=$X");
    expect(env).toEqual({ X: "new", Y: "env" });
  });

  it("passes proxies to RUN without recording them", () => {
    const planned = plan("FROM scratch\nRUN fetch", { HTTPS_PROXY: "http://proxy.example" });
    expect(stepsOf(planned)[0]).toMatchObject({ env: { HTTPS_PROXY: "http://proxy.example" } });
    expect(planned.env).toEqual({});
  });

  it("reads the flags of COPY and ADD, which may hold variables", () => {
    const steps = stepsOf(
      plan(
        [
          "FROM scratch",
          "ARG KIND=md",
          "COPY --parents --exclude=*.$KIND --exclude=!a.md docs .",
          "COPY --parents=false docs .",
          "ADD --unpack=false a.tgz .",
          "ADD --unpack https://example.com/a.tgz .",
          "ADD https://example.com/a.git#v1:docs .",
        ].join("\n"),
      ),
    );
    expect(steps[0]).toMatchObject({ parents: true, exclude: ["*.md", "!a.md"] });
    expect(steps[1]).not.toHaveProperty("parents");
    expect(steps[1]).not.toHaveProperty("exclude");
    expect(steps.slice(2).map((step) => step.kind === "copy" && step.sources)).toEqual([
      [{ kind: "context", paths: ["a.tgz"], unpack: false }],
      [{ kind: "url", url: "https://example.com/a.tgz", unpack: true }],
      [{ kind: "git", url: "https://example.com/a.git", ref: "v1", subdirectory: "docs" }],
    ]);
  });

  it.each([
    ["ADD git@example.com:a/b.git .", "UNSUPPORTED"],
    ["ADD ssh://example.com/a.git .", "UNSUPPORTED"],
    ["ADD https://user:canary@example.com/a.git .", "KUBEFILE_INVALID"],
    ["ADD https://example.com/a.git#--upload-pack=x .", "KUBEFILE_INVALID"],
    ["ADD https://example.com/a.git#a..b .", "KUBEFILE_INVALID"],
    ["ADD https://example.com/a.git#main:../x .", "KUBEFILE_INVALID"],
    [`ADD --checksum=sha256:${"0".repeat(64)} https://example.com/a.git .`, "KUBEFILE_INVALID"],
  ])("refuses %s", (line, code) => {
    expect(() => plan(`FROM scratch\n${line}`)).toThrow(
      expect.objectContaining({
        code,
        where: expect.objectContaining({ line: 2 }),
        message: expect.not.stringContaining("canary"),
      }),
    );
  });

  it("gives RUN the secrets it asks for, as Docker reads them, and each its place", () => {
    const mounts = [
      "type=secret,id=npm",
      "type=secret,target=/root/.netrc,required",
      "type=secret,id=token,env=TOKEN,required=true",
      "type=secret,src=both,dst=/etc/../both,env=BOTH,mode=440,required=0",
    ].map((mount) => `--mount=${mount}`);
    const [step] = stepsOf(plan(`FROM scratch\nRUN ${mounts.join(" ")} true`));
    const where = (column: number) => ({ where: { file: "Kubefile", line: 2, column } });
    expect(step).toMatchObject({ kind: "run", env: {} });
    expect(step?.kind === "run" && step.secrets).toEqual([
      { id: "npm", target: "/run/secrets/npm", required: false, mode: "0400", ...where(5) },
      { id: ".netrc", target: "/root/.netrc", required: true, mode: "0400", ...where(32) },
      { id: "token", env: "TOKEN", required: true, mode: "0400", ...where(81) },
      { id: "both", target: "/both", env: "BOTH", required: false, mode: "440", ...where(134) },
    ]);
  });

  it("names build arguments that nothing declares", () => {
    expect(plan("FROM scratch\nARG A\nRUN x", { A: "1", B: "2", http_proxy: "p" }).unusedBuildArgs).toEqual(["B"]);
  });

  it("gives the date that the environment has to RUN where an ARG wants it, and to nobody else", () => {
    const date = { SOURCE_DATE_EPOCH: "1700000000" };
    const [wanted, unwanted] = [
      plan("FROM scratch\nARG SOURCE_DATE_EPOCH\nRUN x", date),
      plan("FROM scratch\nRUN x", date),
    ];
    expect(stepsOf(wanted)[0]).toMatchObject({ env: date });
    expect(stepsOf(unwanted)[0]).toMatchObject({ env: {} });
    expect(unwanted.unusedBuildArgs).toEqual([]);
  });

  it("knows the architecture by sealer's name and by Docker's", () => {
    const steps = stepsOf(plan("FROM scratch\nCOPY bin-$ARCH bin/\nCOPY x-$TARGETARCH x/"));
    expect(steps).toMatchObject([{ sources: [{ paths: ["bin-amd64"] }] }, { sources: [{ paths: ["x-amd64"] }] }]);
  });

  it("hands the architecture on to RUN where an ARG asks for it, unless a value is given", () => {
    const env = (kubefile: string, buildArgs?: Record<string, string>) => stepsOf(plan(kubefile, buildArgs))[0];
    expect(env("FROM scratch\nARG TARGETARCH\nARG TARGETVARIANT\nRUN x")).toMatchObject({
      env: { TARGETARCH: "amd64", TARGETVARIANT: "" },
    });
    expect(env("FROM scratch\nARG TARGETARCH=s390x\nRUN x")).toMatchObject({ env: { TARGETARCH: "s390x" } });
    expect(env("FROM scratch\nARG TARGETARCH\nRUN x", { TARGETARCH: "arm" })).toMatchObject({
      env: { TARGETARCH: "arm" },
    });
    expect(env("FROM scratch\nRUN x")).toMatchObject({ env: {} });
  });

  it("labels networks, storage and versions as sealer does", () => {
    const { labels, bringsNetwork, apps } = plan(
      "FROM scratch\nCNI calico local://cni\nCSI hostpath local://csi\nKUBEVERSION 1.34\nLABEL a=b",
    );
    expect(labels).toEqual({
      "cluster.alpha.sealer.io/kube-cni-calico": "true",
      "cluster.alpha.sealer.io/kube-csi-hostpath": "true",
      "app.alpha.sealer.io/supported-kube-version": "1.34",
      a: "b",
    });
    expect(bringsNetwork).toBe(true);
    expect(apps.map(({ name, kind }) => [name, kind])).toEqual([
      ["calico", "cni"],
      ["hostpath", "csi"],
    ]);
  });

  it("builds only the stages that the last one is made from, each with its own variables", () => {
    const planned = plan(
      [
        ...["ARG VERSION=1", "FROM scratch AS tools", "ENV A=tools", "COPY $A-$VERSION bin/"],
        ...["FROM scratch AS unused", "RUN false"],
        ...["FROM tools AS base", "ENV B=$A", "LABEL l=1", "CMD from base"],
        ...["FROM base", "COPY --from=0 bin/x bin/", "COPY --from=tools bin/y bin/"],
      ].join("\n"),
    );
    expect(planned.stages.map(({ title, base }) => [title, base])).toEqual([
      ["stage tools", { kind: "scratch" }],
      ["stage base", { kind: "stage", stage: 0 }],
      ["stage 3", { kind: "stage", stage: 1 }],
    ]);
    expect(planned.stages[0]?.steps).toMatchObject([{ sources: [{ paths: ["tools-1"] }] }]);
    expect(planned.stages[2]?.steps).toMatchObject([
      { sources: [{ kind: "stage", stage: 0, paths: ["bin/x"] }] },
      { sources: [{ kind: "stage", stage: 0, paths: ["bin/y"] }] },
    ]);
    expect(planned.env).toEqual({ A: "tools", B: "tools" });
    expect(planned.labels).toEqual({ l: "1" });
    expect(planned.launch).toMatchObject({ commands: [{ text: "from base", where: { line: 10 } }] });
  });

  it("replaces an inherited launch by the stage's own", () => {
    const text = "FROM scratch AS a\nAPP x local://x\nLAUNCH x\nFROM a\nAPPENV x K=v\nCMD one\nCMD two";
    const { launch, apps } = plan(text);
    expect(launch).toMatchObject({ kind: "commands", commands: [{ text: "one" }, { text: "two" }] });
    expect(apps).toMatchObject([{ name: "x", env: { K: "v" } }]);
    expect(plan(text.replace("CMD one\nCMD two", "")).launch).toMatchObject({ kind: "apps", names: ["x"] });
  });

  it("makes files of here-documents, variables replaced unless the name is quoted", () => {
    const planned = plan(
      "FROM scratch\nENV X=1\nCOPY <<a.txt <<'b.txt' c etc/\n$X \\$X \"${Y:-y}\" 'q'\na.txt\n$X\nb.txt",
    );
    expect(stepsOf(planned)).toMatchObject([
      {
        destination: "etc/",
        sources: [
          { kind: "context", paths: ["c"] },
          { kind: "text", name: "a.txt", text: "1 $X \"y\" 'q'\n" },
          { kind: "text", name: "b.txt", text: "$X\n" },
        ],
      },
    ]);
  });

  it("fetches addresses of ADD and APP, and refuses what could not be checked or would leak", () => {
    const checksum = `sha256:${"0".repeat(64)}`;
    const steps = stepsOf(
      plan(
        `FROM scratch\nADD --checksum=${checksum} https://a.example/x.yaml m/\nAPP db https://a.example/db.tgz local://x\nLAUNCH db`,
      ),
    );
    expect(steps).toMatchObject([
      { sources: [{ kind: "url", url: "https://a.example/x.yaml", checksum, unpack: false }], destination: "m/" },
      {
        sources: [
          { kind: "url", url: "https://a.example/db.tgz" },
          { kind: "context", paths: ["x"] },
        ],
      },
    ]);
    const refused: readonly [string, string][] = [
      ["ADD --checksum=md5:1 https://a.example/x y", "--checksum=md5:1 is no sha256 checksum"],
      [`ADD --checksum=${checksum} x y`, "--checksum is for addresses"],
      [`ADD --checksum=${checksum} https://a.example/x https://a.example/y z/`, "--checksum is for one address"],
      ["ADD https://user:secret@a.example/x y", "an address of a.example holds a name or a password"],
      ["ADD https:// y", '"https://" is no address'],
    ];
    for (const [line, message] of refused) {
      expect(() => plan(`FROM scratch\n${line}`)).toThrow(
        expect.objectContaining({ code: "KUBEFILE_INVALID", message, where: { file: "Kubefile", line: 2, column: 1 } }),
      );
    }
  });
});

describe("resolveLaunch", () => {
  const text = [
    "FROM scratch",
    "ENV REPLICAS=2",
    "APP base local://base",
    "APP web local://web",
    "APP tune local://tune",
    "APP odd local://odd",
    'APPCMDS odd ["./start", "--replicas", "$(REPLICAS)"]',
    "APPENV web MODE=fast",
    'LAUNCH ["base", "web", "tune", "odd"]',
  ].join("\n");
  const contents = new Map([
    ["base", { type: "kube" as const, files: ["a.yaml", "b c.yaml"] }],
    ["web", { type: "helm" as const, files: ["Chart.yaml", "templates/x.yaml"] }],
    ["tune", { type: "shell" as const, files: ["1.sh", "2.sh"] }],
    ["odd", { type: undefined, files: ["start", "data"] }],
  ]);

  it("starts each kind of application from its own directory", () => {
    const { launch, apps } = resolveLaunch(plan(text), contents);
    expect(launch.commands.map(({ command, directory, env, source }) => [command, directory, env, source])).toEqual([
      ["kubectl apply -f a.yaml -f 'b c.yaml'", "application/apps/base", {}, "Kubefile:9"],
      ["helm upgrade --install web .", "application/apps/web", { MODE: "fast" }, "Kubefile:9"],
      ["sh 1.sh", "application/apps/tune", {}, "Kubefile:9"],
      ["sh 2.sh", "application/apps/tune", {}, "Kubefile:9"],
      ["./start --replicas ${REPLICAS}", "application/apps/odd", {}, "Kubefile:7"],
    ]);
    expect(apps.map(({ name, type, launched }) => [name, type, launched])).toEqual([
      ["base", "kube", true],
      ["web", "helm", true],
      ["tune", "shell", true],
      ["odd", "custom", true],
    ]);
  });

  it("installs a packed chart by its file", () => {
    const packed = new Map([["db", { type: "helm" as const, files: ["db-1.0.tgz"] }]]);
    const { launch } = resolveLaunch(plan("FROM scratch\nAPP db local://db\nLAUNCH db"), packed);
    expect(launch.commands.map(({ command }) => command)).toEqual(["helm upgrade --install db db-1.0.tgz"]);
  });

  it("asks how to start what is of no kind", () => {
    const unknown = new Map([["x", { type: undefined, files: ["data"] }]]);
    expect(() => resolveLaunch(plan("FROM scratch\nAPP x local://x\nLAUNCH x"), unknown)).toThrow(
      /application x is neither chart, manifests nor scripts/,
    );
  });

  it("runs several CMD, and each element of a JSON CMD, as commands of their own", () => {
    const { launch } = resolveLaunch(plan('FROM scratch\nCMD one\nCMD ["two a", "three b"]'), new Map());
    expect(launch.commands.map(({ command, source }) => [command, source])).toEqual([
      ["one", "Kubefile:2"],
      ["two a", "Kubefile:3"],
      ["three b", "Kubefile:3"],
    ]);
  });
});
