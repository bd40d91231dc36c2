import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { pack } from "tar-stream";
import { afterAll, beforeAll, expect, test } from "vitest";
import { docker, lines } from "../../support/docker.ts";
import { buildImage, buildLayer, type Image } from "../../support/image-builder.ts";
import { type CommandHome, type CommandResult, commandHome } from "../../support/kubefile-command.ts";
import { busybox } from "../../support/shop/images.ts";

// kaniko's executor is not to be had here: its part is played by a script that keeps to its contract, as v1.28.3 has it.
// The context comes as a compressed tar by the standard input, the layout goes where --oci-layout-path says, and what is
// wrong is told in the output and by the exit code.
const executor = `#!/bin/busybox sh
busybox mkdir -p /kaniko/buildcontext && busybox gunzip | busybox tar -x -C /kaniko/buildcontext
echo "arguments: $*"
echo "context: $(cd /kaniko/buildcontext && busybox find . -type f | busybox sort | busybox tr '\\n' ' ')"
echo "variables: $(busybox env | busybox cut -d= -f1 | busybox sort | busybox tr '\\n' ' ')"
echo "mounts: $(busybox cut -d' ' -f5 /proc/self/mountinfo | busybox tr '\\n' ' ')"
if busybox grep -q FETCH /kaniko/buildcontext/Dockerfile; then
  echo "error building image: parsing dockerfile: dockerfile parse error on line 2: unknown instruction: FETCH"
  exit 1
fi
busybox cp -r /prepared /kaniko/layout
`;
const reference = "registry.invalid/shop/web:dev";
const executorImage = `kubefile-test-executor:${process.pid}`;
const secret = "canary-5e1a77d0";

let home: CommandHome;
let image: Image;
let project: string;

beforeAll(async () => {
  home = await commandHome();
  project = join(home.directory, "project");
  const layer = await buildLayer([{ path: "page", content: "one\n", mode: 0o644 }]);
  image = buildImage({ format: "docker", layers: [layer], entrypoint: ["/page"] });
  await importExecutor();
  await mkdir(join(project, "deploy/manifests"), { recursive: true });
  await mkdir(join(project, "web"));
  await writeFile(
    join(project, "deploy/Kubefile"),
    "FROM scratch\nCOPY manifests manifests\nCMD kubectl apply -f manifests\n",
  );
  await writeFile(
    join(project, "deploy/manifests/web.yaml"),
    `apiVersion: v1\nkind: Pod\nmetadata: { name: web }\nspec: { containers: [{ name: web, image: "${reference}" }] }\n`,
  );
  await writeFile(join(project, "web/page"), "one\n");
});

afterAll(async () => {
  await docker("image", "rm", "--force", executorImage);
  await home?.remove();
});

/** An image of one script, one program and the layout that the script gives out. */
async function importExecutor(): Promise<void> {
  const tar = pack();
  const { mediaType, digest, bytes } = image.root;
  const index = { schemaVersion: 2, manifests: [{ mediaType, digest, size: bytes.byteLength }] };
  tar.entry({ name: "bin/busybox", mode: 0o755 }, await busybox());
  tar.entry({ name: "kaniko/executor", mode: 0o755 }, executor);
  tar.entry({ name: "prepared/oci-layout" }, JSON.stringify({ imageLayoutVersion: "1.0.0" }));
  tar.entry({ name: "prepared/index.json" }, JSON.stringify(index));
  for (const blob of image.blobs) tar.entry({ name: `prepared/blobs/${blob.digest.replace(":", "/")}` }, blob.bytes);
  tar.finalize();
  const changes = ["--change", 'ENTRYPOINT ["/kaniko/executor"]', "--change", "ENV PATH=/bin"];
  const importing = spawn("docker", ["import", ...changes, "-", executorImage], {
    stdio: ["pipe", "ignore", "inherit"],
  });
  tar.pipe(importing.stdin);
  const [exitCode] = await once(importing, "exit");
  expect(exitCode).toBe(0);
}

async function build(dockerfile: string): Promise<CommandResult & { readonly report: string }> {
  await writeFile(join(project, "web/Dockerfile"), dockerfile);
  const file = join(home.directory, "report.json");
  const flags = ["--capture", "static", "--store", home.store, "--report", file, "--progress", "plain"];
  const built = ["--build-image", `ref=${reference},context=${join(project, "web")},arg.VERSION=2`];
  const result = await home.kubefile(
    ["build", ...flags, "--builder", "kaniko", "--kaniko-image", executorImage, ...built, join(project, "deploy")],
    { env: { CI_JOB_TOKEN: secret, DOCKER_AUTH_CONFIG: "" } },
  );
  return { ...result, report: await readFile(file, "utf8") };
}

const containers = async (): Promise<readonly string[]> =>
  lines(await docker("ps", "--all", "--quiet", "--filter", `ancestor=${executorImage}`));

test("kaniko gets the context and its arguments, and nothing of this machine", async () => {
  const { exitCode, stderr, report } = await build("FROM scratch\nCOPY page /\n");
  expect(exitCode, stderr).toBe(0);
  expect(stderr).toMatch(/arguments: --context tar:\/\/stdin --dockerfile \/kaniko\/buildcontext\/Dockerfile /);
  expect(stderr).toMatch(
    /arguments: .*--build-arg VERSION=2 .*--no-push --reproducible --oci-layout-path \/kaniko\/layout/,
  );
  expect(stderr).toContain("context: ./Dockerfile ./page ");
  expect(stderr).not.toMatch(/variables: .*(?:CI_|TOKEN|AUTH)/);
  expect(stderr).not.toMatch(/mounts: .*(?:docker\.sock|project|home)/);
  expect(JSON.parse(report).images).toMatchObject([
    { reference, digest: image.root.digest, reasons: [{ source: "built" }, { source: "static" }] },
  ]);
  expect(await containers()).toEqual([]);
});

test("what kaniko says is wrong is told, at the line of the Dockerfile, and no container stays", async () => {
  const { exitCode, stderr } = await build("FROM scratch\nFETCH page /\n");
  expect(exitCode).toBe(1);
  expect(stderr).toMatch(/web\/Dockerfile:2: .*registry\.invalid\/shop\/web:dev cannot be built from/);
  expect(stderr).toContain("unknown instruction: FETCH");
  expect(await containers()).toEqual([]);
});
