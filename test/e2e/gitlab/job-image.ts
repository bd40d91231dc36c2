import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { copyFile, mkdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { docker } from "../../support/docker.ts";
import { startHttpFixture } from "../../support/http-fixture.ts";
import { toolPath } from "../../support/tool-path.ts";

const run = promisify(execFile);
const script = (path: string): string => fileURLToPath(new URL(`../../../${path}`, import.meta.url));
const BUILD_TIMEOUT = 300_000;

export interface JobImageBuild {
  readonly tag: string;
  /** The context, as images/job/context writes it. */
  readonly context: string;
  /** Where the projects' files are, and their sums. */
  readonly arguments: readonly string[];
}

/** Builds images/job/Dockerfile as it stands, and returns what the engine's builder printed. */
export async function buildJobImage({ tag, context, arguments: given }: JobImageBuild): Promise<string> {
  // A step that fails would leave its container.
  const flags = ["--force-rm", "--network", "host", "--tag", tag, "--file", script("images/job/Dockerfile")];
  const words = given.flatMap((argument) => ["--build-arg", argument]);
  // The builder that every engine has; BuildKit is a plugin of the client.
  const env = { ...process.env, DOCKER_BUILDKIT: "0" };
  const { stdout, stderr } = await run("docker", ["build", ...flags, ...words, context], {
    ...{ env, timeout: BUILD_TIMEOUT, maxBuffer: 64 * 1024 * 1024 },
  });
  return stdout + stderr;
}

export interface Releases {
  readonly arguments: readonly string[];
  close(): Promise<void>;
}

/** Serves what this machine has of kind, kubectl and helm, where the Dockerfile looks for their releases. */
export async function serveReleases(directory: string): Promise<Releases> {
  const architecture = process.arch === "arm64" ? "arm64" : "amd64";
  const files = join(directory, "releases");
  const helm = join(files, `linux-${architecture}`);
  await mkdir(helm, { recursive: true });
  await copyFile(await toolPath("kind"), join(files, "kind"));
  await copyFile(await toolPath("helm"), join(helm, "helm"));
  await run("tar", ["-C", files, "-czf", join(files, "helm.tar.gz"), `linux-${architecture}/helm`]);
  const container = (await docker("create", "kindest/node:v1.34.4")).trim();
  await docker("cp", "--follow-link", `${container}:/usr/bin/kubectl`, join(files, "kubectl"));
  await docker("rm", container);
  const served = {
    [`/kind/v0.33.0/kind-linux-${architecture}`]: await readFile(join(files, "kind")),
    [`/kubectl/v1.34.4/bin/linux/${architecture}/kubectl`]: await readFile(join(files, "kubectl")),
    [`/helm/helm-v3.19.5-linux-${architecture}.tar.gz`]: await readFile(join(files, "helm.tar.gz")),
  };
  await rm(files, { recursive: true });
  const server = await startHttpFixture(({ path }, response) => {
    const file = served[path];
    response.writeHead(file === undefined ? 404 : 200).end(file);
  });
  const [kind, kubectl, helmArchive] = Object.values(served).map((file) =>
    createHash("sha256").update(file).digest("hex"),
  );
  const suffix = `SHA256_${architecture.toUpperCase()}`;
  return {
    arguments: [
      ...[`BASE=kubefile-job-base:dev`, "DOCKER_CLI=kubefile-docker-cli:dev", `TARGETARCH=${architecture}`],
      ...[
        "PROTOCOL=http",
        ...["KIND", "KUBECTL", "HELM"].map((name) => `${name}_RELEASES=${server.url}/${name.toLowerCase()}`),
      ],
      ...[`KIND_${suffix}=${kind}`, `KUBECTL_${suffix}=${kubectl}`, `HELM_${suffix}=${helmArchive}`],
    ],
    close: () => server.close(),
  };
}

/** Removes the images of steps: those of stages and of a build that failed have no name, and would stay for good. */
export async function removeSteps(printed: string): Promise<void> {
  const steps = printed.split(/^Step \d+\/\d+ : /m).filter((step) => !/^FROM /.test(step));
  const made = steps.flatMap((step) => [...step.matchAll(/^ ---> ([0-9a-f]{12})$/gm)].map(([, id = ""]) => id));
  // From the last one on: an image below another cannot go before it.
  for (const id of made.toReversed()) await docker("image", "rm", id).catch(() => "");
}

/** Provides the images below it. */
export async function provideBase(): Promise<void> {
  await run(script("test/setup/job-base-image"), [], { timeout: BUILD_TIMEOUT });
}

/** Writes the context. */
export async function jobContext(directory: string): Promise<string> {
  const context = join(directory, "job");
  await run(script("images/job/context"), [context], { timeout: BUILD_TIMEOUT });
  return context;
}
