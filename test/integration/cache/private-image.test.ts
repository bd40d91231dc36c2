import { mkdtemp, readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { BuildReport } from "../../../src/image/report.ts";
import { podManifest, writeContext } from "../../e2e/shop/context.ts";
import { type CountingProxy, startCountingProxy } from "../../support/counting-proxy.ts";
import { type DockerRegistry, startDockerRegistry } from "../../support/docker-registry.ts";
import { buildImage, buildLayer } from "../../support/image-builder.ts";
import { uploadImage } from "../../support/image-upload.ts";
import { type CommandHome, commandHome } from "../../support/kubefile-command.ts";

const credentials = { username: "billing", password: "quarterly-figures-7" };
const image = "private.test/billing/app:1";

let home: CommandHome;
/** Has the image, and asks for name and password. */
let upstream: DockerRegistry;
let locked: CountingProxy;
let registry: DockerRegistry;

beforeAll(async () => {
  home = await commandHome();
  [upstream, registry] = await Promise.all([startDockerRegistry({ auth: credentials }), startDockerRegistry()]);
  locked = await startCountingProxy(upstream.host);
  const layers = [await buildLayer([{ path: "app", content: "billing" }])];
  const app = buildImage({ format: "oci", layers, entrypoint: ["/app"] });
  await uploadImage({ url: upstream.url, credentials }, "billing/app", "1", app);
});
afterAll(async () => {
  await locked?.stop();
  await Promise.all([upstream?.stop(), registry?.stop()]);
  await home?.remove();
});
beforeEach(() => locked.clear());

/** As `kubectl create secret docker-registry` makes it, for one registry. */
function secret(host: string, name = "pull"): string {
  const auths = JSON.stringify({ auths: { [host]: credentials } });
  return JSON.stringify({
    ...{ apiVersion: "v1", kind: "Secret", metadata: { name }, type: "kubernetes.io/dockerconfigjson" },
    data: { ".dockerconfigjson": Buffer.from(auths).toString("base64") },
  });
}

function files(manifests: Readonly<Record<string, string>>): Record<string, string> {
  return {
    Kubefile: "FROM scratch\nCOPY manifests manifests\nCMD kubectl apply -f manifests\n",
    "manifests/pod.yaml": podManifest("billing", image),
    ...Object.fromEntries(Object.entries(manifests).map(([name, text]) => [`manifests/${name}`, text])),
  };
}

/** On a machine with an empty store and no credentials, unless it is told of some. */
async function build(
  context: string,
  cache: string,
  env: Readonly<Record<string, string>> = {},
): Promise<{ readonly exitCode: number | null; readonly stderr: string; readonly report: BuildReport }> {
  const directory = await mkdtemp(join(home.directory, "runner-"));
  const report = join(directory, "report.json");
  const place = `type=registry,ref=${registry.host}/${cache}`;
  const { exitCode, stderr } = await home.kubefile(
    [
      ...[
        "build",
        "--capture",
        "static",
        "--run",
        "host",
        "--no-lock",
        "--store",
        join(directory, "store"),
        "--report",
        report,
      ],
      ...["--cache-from", place, "--cache-to", place, "--tag", `${registry.host}/${cache}/result:1`, "--push"],
      ...["--mirror", `private.test=http://${locked.host}`, context],
    ],
    { env },
  );
  return { exitCode, stderr, report: JSON.parse(await readFile(report, "utf8")) };
}

/** Everything that the registry keeps, as text. */
async function storedTexts(): Promise<string> {
  const names = await readdir(registry.storage, { recursive: true, withFileTypes: true });
  const all = names.filter((entry) => entry.isFile()).map((entry) => readFile(join(entry.parentPath, entry.name)));
  return (await Promise.all(all)).map((bytes) => bytes.toString("latin1")).join("\n");
}

describe("an image that is pulled with a pull secret of the launch", () => {
  test("is captured by the secret in its manifests, and known to a new runner that asks for its tag alone", async () => {
    const context = await writeContext(join(home.directory, "known"), files({ "secret.json": secret("private.test") }));
    const cold = await build(context, "known");
    expect(cold.exitCode, cold.stderr).toBe(0);
    expect(cold.report.images.map(({ reference }) => reference)).toEqual([image]);
    locked.clear();
    const again = await build(context, "known");
    expect(again.exitCode, again.stderr).toBe(0);
    expect(again.report.rehearsal).toMatchObject({ state: "cached" });
    expect(again.report.digest).toBe(cold.report.digest);
    expect(new Set(locked.requests.map(({ method, url }) => `${method} ${url}`))).toEqual(
      new Set(["HEAD /v2/billing/app/manifests/1"]),
    );
    const said = [cold.stderr, again.stderr, JSON.stringify([cold.report, again.report])].join("\n");
    expect(said).not.toContain(credentials.password);
  });

  test("is looked for again, with the reason and a remedy, when its secret comes to be in the rootfs alone", async () => {
    const context = await writeContext(join(home.directory, "made"), {
      ...files({ "secret.txt": secret("private.test") }),
      Kubefile: [
        "FROM scratch",
        "COPY manifests manifests",
        "RUN mv manifests/secret.txt manifests/secret.json",
        "CMD kubectl apply -f manifests",
        "",
      ].join("\n"),
    });
    const cold = await build(context, "made");
    expect(cold.exitCode, cold.stderr).toBe(0);
    const again = await build(context, "made");
    expect(again.report.rehearsal).toMatchObject({
      state: "scanned",
      reason: expect.stringMatching(
        /^private\.test\/billing\/app:1 cannot be asked for: .*; its pull secret "pull" is in no file that is copied: docker login private\.test, or registry-auths, would spare this$/,
      ),
    });
    expect(again.report.digest).toBe(cold.report.digest);
    const auths = JSON.stringify([{ registry: "private.test", ...credentials }]);
    const helped = await build(context, "made", { KUBEFILE_REGISTRY_AUTHS: auths });
    expect(helped.report.rehearsal).toMatchObject({ state: "cached" });
  });

  test("has its credentials sent to no other registry, and kept in no cache", async () => {
    const context = await writeContext(
      join(home.directory, "other"),
      files({ "secret.json": secret("elsewhere.test") }),
    );
    const refused = await build(context, "other");
    expect(refused.exitCode).toBe(1);
    // They would be taken.
    expect(refused.stderr).toContain(
      `cannot fetch ${image} (Pod default/billing container app): authentication required`,
    );
    const kept = await storedTexts();
    expect(kept).toContain('"pullSecrets":[{"reference":"private.test/billing/app:1","secrets":["pull"]}]');
    expect(kept).not.toContain(credentials.password);
    expect(kept).not.toContain(Buffer.from(credentials.password).toString("base64"));
  });
});
