import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { docker, lines } from "../../support/docker.ts";
import { type DockerRegistry, startDockerRegistry } from "../../support/docker-registry.ts";
import { buildImage, buildLayer } from "../../support/image-builder.ts";
import { uploadImage } from "../../support/image-upload.ts";
import { type CommandHome, type CommandResult, commandHome } from "../../support/kubefile-command.ts";
import { waitingProgram } from "../../support/static-program.ts";
import { podManifest, writeContext } from "../shop/context.ts";
import { commandLinesWith, filesWith } from "./search.ts";

/** One secret for each place where a runner or a user keeps some. */
const canary = {
  /** A variable of the runner. */
  runner: "canary-runner-1f0c2a77",
  /** The password of the runner's docker configuration. */
  docker: "canary-docker-83be5d10",
  /** The same in the form of that file. */
  dockerAuth: Buffer.from("robot:canary-docker-83be5d10").toString("base64"),
  /** A build argument that a RUN uses. */
  argument: "canary-argument-5a9e44c1",
  /** The password of a pull secret among the manifests. */
  pull: "canary-pull-0d6b3f98",
  /** A value of the launch, which is for everybody to read in the image, but not in a list of programs. */
  launch: "canary-launch-c7712e5b",
};

const image = "private.example/tiny/app:1";

let home: CommandHome;
let source: DockerRegistry;
let destination: DockerRegistry;
let context: string;
const seen = { commandLines: new Set<string>(), containers: new Set<string>() };

beforeAll(async () => {
  [home, destination] = await Promise.all([commandHome(), startDockerRegistry()]);
  source = await startDockerRegistry({ auth: { username: "robot", password: canary.docker } });
  const program = waitingProgram(process.arch === "arm64" ? "arm64" : "amd64");
  const layer = await buildLayer([{ path: "app", content: program, mode: 0o755 }]);
  const credentials = { username: "robot", password: canary.docker };
  const built = buildImage({ format: "oci", layers: [layer], entrypoint: ["/app"] });
  await uploadImage({ url: source.url, credentials }, "tiny/app", "1", built);
  await mkdir(join(home.directory, ".docker"));
  const auths = { "private.example": { auth: canary.dockerAuth } };
  await writeFile(join(home.directory, ".docker", "config.json"), JSON.stringify({ auths }));
  const secret = { auths: { "private.example": { username: "robot", password: canary.pull } } };
  context = await writeContext(join(home.directory, "private"), {
    Kubefile: [
      "FROM scratch",
      "ARG TOKEN",
      "ARG POD=pod.yaml",
      `ENV SETTING=${canary.launch}`,
      "COPY manifests manifests/",
      'RUN test "$TOKEN" = "$(printf %s-%s canary argument-5a9e44c1)" && sleep 2',
      "CMD kubectl apply -f manifests/secret.yaml -f manifests/pod.yaml && sleep 2",
      "CMD if [ -e manifests/missing ]; then kubectl apply -f manifests/missing.yaml; fi",
      "",
    ].join("\n"),
    "manifests/secret.yaml": [
      "apiVersion: v1",
      "kind: Secret",
      "metadata: { name: pull, namespace: default }",
      "type: kubernetes.io/dockerconfigjson",
      `stringData: { .dockerconfigjson: '${JSON.stringify(secret)}' }`,
      "",
    ].join("\n"),
    "manifests/pod.yaml": podManifest("app", image),
    "manifests/missing.yaml": podManifest("missing", "private.example/tiny/missing:1"),
  });
});

afterAll(async () => {
  await Promise.all([source?.stop(), destination?.stop()]);
  await home?.remove();
});

/** Builds, and looks all the while at what anybody on the machine can see. */
function build(...flags: readonly string[]): Promise<CommandResult> {
  const mirror = ["--mirror", `private.example=${source.url}`, "--build-arg", `TOKEN=${canary.argument}`];
  const common = ["--store", home.store, "--quiet-window", "2s", "--report", join(home.directory, "report.json")];
  return home.kubefile(["build", ...mirror, ...common, ...flags, context], {
    env: { CI_JOB_TOKEN: canary.runner },
    during: watch,
  });
}

async function watch(runId: string, ended: AbortSignal): Promise<void> {
  while (!ended.aborted) {
    // The user's own command line holds what the user wrote there.
    for (const line of await commandLinesWith(Object.values(canary))) {
      if (!line.includes(" --build-arg ")) seen.commandLines.add(line);
    }
    const ids = lines(await docker("ps", "--all", "--quiet", "--filter", `label=kubefile.run=${runId}`));
    for (const id of ids) seen.containers.add(await docker("inspect", id).catch(() => ""));
    await sleep(100);
  }
}

const secrets = [canary.runner, canary.docker, canary.dockerAuth, canary.argument, canary.pull];
const heldBy = (text: string): readonly string[] => secrets.filter((secret) => text.includes(secret));

describe("a build that goes well", () => {
  let built: CommandResult;
  beforeAll(async () => {
    built = await build("--tag", `${destination.host}/demo/private:1`, "--push");
  });

  test("uses the secrets, and prints and reports none", async () => {
    expect(built).toMatchObject({ exitCode: 0 });
    for (const text of [built.stdout, built.stderr, await readFile(join(home.directory, "report.json"), "utf8")]) {
      expect(heldBy(text)).toEqual([]);
    }
  });

  test("keeps what the user put into a file in that file's layer alone, in store and registry", async () => {
    const layers = await filesWith(home.store, canary.pull);
    expect(layers).toEqual([expect.stringMatching(/^blobs\/sha256\/[0-9a-f]{64}$/)]);
    expect(await filesWith(destination.storage, canary.pull)).toHaveLength(1);
    for (const secret of secrets.filter((one) => one !== canary.pull)) {
      expect([...(await filesWith(home.store, secret)), ...(await filesWith(destination.storage, secret))]).toEqual([]);
    }
  });

  test("shows none to other users of the machine or the engine", () => {
    expect(seen.containers.size).toBeGreaterThan(1);
    expect([...seen.commandLines]).toEqual([]);
    for (const inspected of seen.containers)
      expect([...heldBy(inspected), inspected.includes(canary.launch)]).toEqual([false]);
  });
});

describe("a build that fails", () => {
  let built: CommandResult;
  beforeAll(async () => {
    await writeContext(context, { "manifests/missing": "" });
    built = await build();
  });

  test("prints and reports none", async () => {
    expect(built).toMatchObject({ exitCode: 1, stdout: "" });
    expect(built.stderr).toContain("private.example/tiny/missing:1");
    expect(heldBy(built.stderr)).toEqual([]);
    expect(heldBy(await readFile(join(home.directory, "report.json"), "utf8"))).toEqual([]);
  });

  test("keeps a bundle that somebody can pass on", async () => {
    expect(await filesWith(home.state, "private.example/tiny/missing")).not.toEqual([]);
    for (const secret of secrets) expect(await filesWith(home.state, secret)).toEqual([]);
  });

  test("leaves none in a temporary file", async () => {
    for (const secret of secrets) expect(await filesWith(home.temporary, secret)).toEqual([]);
  });
});
