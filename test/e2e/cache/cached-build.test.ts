import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { ROLE_ANNOTATION } from "../../../src/image/blob-roles.ts";
import type { BuildReport } from "../../../src/image/report.ts";
import { type DockerRegistry, startDockerRegistry } from "../../support/docker-registry.ts";
import { buildImage, buildLayer } from "../../support/image-builder.ts";
import { uploadImage } from "../../support/image-upload.ts";
import { type CommandHome, commandHome } from "../../support/kubefile-command.ts";
import { type Architecture, waitingProgram } from "../../support/static-program.ts";
import { startTinyApp, type TinyApp } from "../cleanup/tiny-app.ts";
import { podManifest, writeContext } from "../shop/context.ts";

const credentials = { username: "tiny", password: "a-small-secret-9" };
const privateImage = "private.test/tiny/locked:1";

let home: CommandHome;
let app: TinyApp;
/** Has a second image, for those who know its password: the launch brings it. */
let locked: DockerRegistry;
beforeAll(async () => {
  home = await commandHome();
  [app, locked] = await Promise.all([startTinyApp(home.directory), startDockerRegistry({ auth: credentials })]);
  const program = waitingProgram(process.arch === "arm64" ? "arm64" : ("amd64" satisfies Architecture));
  const layers = [await buildLayer([{ path: "app", content: program, mode: 0o755 }])];
  const image = buildImage({ format: "oci", layers, entrypoint: ["/app"] });
  await uploadImage({ url: locked.url, credentials }, "tiny/locked", "1", image);
  await writeContext(app.context, {
    Kubefile: "FROM scratch\nCOPY manifests manifests/\nRUN echo made > made\nCMD kubectl apply -f manifests\n",
    "manifests/locked.yaml": podManifest("locked", privateImage, "  imagePullSecrets: [{ name: pull }]"),
    "manifests/base.yaml": [
      "apiVersion: v1",
      "kind: Secret",
      "metadata: { name: pull, namespace: default }",
      "type: kubernetes.io/dockerconfigjson",
      "stringData:",
      `  .dockerconfigjson: '${JSON.stringify({ auths: { "private.test": credentials } })}'`,
      "",
    ].join("\n"),
  });
});
afterAll(async () => {
  await Promise.all([app?.stop(), locked?.stop()]);
  await home?.remove();
});

/** On the runner of a name, which has a store of its own; they share a cache at the registry. */
async function build(runner: string): Promise<{ readonly report: BuildReport; readonly runs: number }> {
  const report = join(home.directory, "report.json");
  const place = `type=registry,ref=${app.registry.host}/demo/cache`;
  const result = await home.kubefile([
    ...["build", ...app.mirror, "--mirror", `private.test=${locked.url}`, "--quiet-window", "2s"],
    ...["--store", join(home.directory, runner), "--cache-from", place, "--cache-to", place],
    ...["--report", report, "--tag", app.reference, "--push", app.context],
  ]);
  expect(result.exitCode, result.stderr).toBe(0);
  expect(result.stderr).not.toContain(credentials.password);
  return { report: JSON.parse(await readFile(report, "utf8")), runs: result.runIds.length };
}

/** Requests that a registry has answered, `GET /v2/demo/tiny/manifests/1`. */
function requests({ log }: DockerRegistry, from: number): string[] {
  return log.slice(from).flatMap((line) => /"((?:HEAD|GET|POST|PUT|PATCH) \S+)/.exec(line)?.[1] ?? []);
}

/** What the cluster image consists of, its captured images' manifests excepted. */
async function contents(digest: string | undefined): Promise<readonly string[]> {
  const accept = "application/vnd.oci.image.manifest.v1+json";
  const answer = await fetch(`${app.registry.url}/v2/demo/tiny/manifests/${digest}`, { headers: { accept } });
  const manifest: {
    readonly layers: readonly { readonly digest: string; readonly annotations: Readonly<Record<string, string>> }[];
  } = JSON.parse(await answer.text());
  return manifest.layers
    .filter(({ annotations }) => !["manifest", "index"].includes(annotations[ROLE_ANNOTATION] ?? ""))
    .map((layer) => layer.digest);
}

test("an unchanged build starts no cluster and sends no blob, and on a new runner fetches none", async () => {
  const { report: cold } = await build("first");
  expect(cold).toMatchObject({ grade: "ready", rehearsal: { state: "rehearsed" } });
  expect(cold.images).toMatchObject([{ reference: "docker.io/tiny/app:1" }, { reference: privateImage }]);
  for (const runner of ["first", "second"]) {
    const [asked, unlocked] = [app.registry.log.length, locked.log.length];
    const { report: again, runs } = await build(runner);
    expect(runs).toBe(0);
    expect([...again.steps, again.rehearsal].map((one) => one?.state)).toEqual(["cached", "cached", "cached"]);
    expect(again.phases.map(({ name }) => name)).toEqual(["cache", "assemble", "push"]);
    expect(again.digest).toBe(cold.digest);
    expect(again).toMatchObject({ grade: "ready", images: cold.images, nodeImage: cold.nodeImage });
    expect(again.transfer?.uploaded).toEqual({ blobs: 0, bytes: 0 });
    const blobs = await contents(cold.digest);
    expect(blobs).toHaveLength(6);
    const fetched = requests(app.registry, asked).filter((request) => request.startsWith("GET "));
    expect(fetched.filter((request) => blobs.some((digest) => request.endsWith(digest)))).toEqual([]);
    expect(new Set(requests(locked, unlocked))).toEqual(new Set(["HEAD /v2/tiny/locked/manifests/1"]));
  }
});
