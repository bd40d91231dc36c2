import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { BuildReport } from "../../../src/image/report.ts";
import { compileSchema } from "../../../src/image/schema.ts";
import type { Verdict } from "../../../src/pipeline/verify.ts";
import { type CountingProxy, startCountingProxy } from "../../support/counting-proxy.ts";
import { docker, lines } from "../../support/docker.ts";
import { type DockerRegistry, startDockerRegistry } from "../../support/docker-registry.ts";
import { digestOf } from "../../support/image-builder.ts";
import {
  type CommandHome,
  type CommandResult,
  commandHome,
  leftovers,
  userKubeconfig,
} from "../../support/kubefile-command.ts";
import { fetchBlob, fetchImage, fetchManifest } from "../../support/registry-walk.ts";
import { expectedShopImages } from "../../support/shop/expected-images.ts";
import { type Internet, shopCredentials, startInternet } from "../../support/shop/internet.ts";
import { type Bystander, startBystander } from "./bystander.ts";
import { nodeVolumes } from "./node-volumes.ts";

const shop = fileURLToPath(new URL("../../../examples/shop", import.meta.url));
const nodeImage = "kindest/node:v1.34.4";

let internet: Internet;
let destination: DockerRegistry;
let front: CountingProxy;
let bystander: Bystander;
let home: CommandHome;
let built: CommandResult;
let report: BuildReport;
let reference: string;
let volumes: readonly string[];
const at = (name: string): string => join(home.directory, name);

beforeAll(async () => {
  [internet, destination, home, bystander] = await Promise.all([
    startInternet({ nodeImage }),
    startDockerRegistry(),
    commandHome(),
    startBystander(),
  ]);
  front = await startCountingProxy(destination.host);
  reference = `${front.host}/demo/shop:1`;
  const mirrors = Object.entries(internet.mirrors).flatMap(([host, url]) => ["--mirror", `${host}=${url}`]);
  built = await home.kubefile(
    [
      ...["build", ...mirrors, "--tag", reference, "--push", "--store", home.store, "--quiet-window", "3s"],
      ...["--output", `type=oci,dest=${at("shop.tar")}`],
      ...["--report", at("report.json"), "--metadata-file", at("metadata.json"), shop],
    ],
    {
      during: async (runId, ended) => {
        volumes = await nodeVolumes(runId, ended);
      },
    },
  );
  report = JSON.parse(await readFile(at("report.json"), "utf8"));
});

afterAll(async () => {
  await Promise.all([front?.stop(), destination?.stop(), internet?.stop(), bystander?.remove(), home?.remove()]);
});

describe("building the shop", () => {
  test("ends well, with grade ready", () => {
    expect(built).toMatchObject({ exitCode: 0 });
    expect(report).toMatchObject({ grade: "ready", needsNetwork: false, references: [reference], warnings: [] });
    expect(built.stdout).toContain(report.digest);
  });

  test("captures exactly what the shop needs, digest by digest", () => {
    const captured = report.images.map((image) => `${image.reference} ${image.digest}`);
    expect(captured).toEqual(expectedShopImages(internet).map((image) => `${image.reference} ${image.digest}`));
  });

  test("gives each image its reasons, and none that would be wrong", () => {
    const wrong = expectedShopImages(internet).flatMap(({ reference: name, reasons, never }) => {
      const found = report.images.find((image) => image.reference === name)?.reasons ?? [];
      const says = (reason: string | RegExp): boolean =>
        found.some(({ text }) => (typeof reason === "string" ? text === reason : reason.test(text)));
      const absent = reasons.filter((reason) => !says(reason));
      const forbidden = found.filter(({ source }) => never.includes(source));
      return absent.length + forbidden.length === 0 ? [] : [{ name, absent, forbidden, found }];
    });
    expect(wrong).toEqual([]);
  });

  test("tells which images no scan of files would have found", () => {
    expect(report.onlyRehearsal).toContain("ghcr.io/shop/catalog-indexer:7");
    expect(report.onlyRehearsal).not.toContain("docker.io/shop/web:2.1");
  });

  test("writes report and metadata as their schemas say, and no password", async () => {
    const metadata = JSON.parse(await readFile(at("metadata.json"), "utf8"));
    expect(compileSchema("report")(report)).toEqual({ value: report });
    expect(compileSchema("metadata")(metadata)).toEqual({ value: metadata });
    expect(metadata).toMatchObject({ "containerimage.digest": report.digest, "image.name": reference });
    for (const text of [JSON.stringify(report), JSON.stringify(metadata), built.stdout, built.stderr]) {
      expect(text).not.toContain(shopCredentials.password);
    }
  });

  test("pushes every manifest and blob byte for byte as its registry has it", async () => {
    const { document } = await fetchManifest(destination, "demo/shop", "1");
    const captured = (document.layers ?? []).filter(
      ({ annotations }) => annotations?.["vnd.kubefile.role"] !== "rootfs",
    );
    const upstream = new Map<string, Buffer>();
    for (const image of internet.images) {
      const [, host = "", repository = "", tag = ""] = /^([^/]+)\/(.+):([^:]+)$/.exec(image.reference) ?? [];
      const credentials = internet.credentials[host];
      const target = { url: internet.mirrors[host] ?? "", ...(credentials === undefined ? {} : { credentials }) };
      for (const [name, bytes] of await fetchImage(target, repository, tag)) {
        const digest = digestOf(bytes);
        expect([tag, digest]).toContain(name);
        upstream.set(digest, bytes);
      }
    }
    expect(captured.map(({ digest }) => digest).sort()).toEqual([...upstream.keys()].sort());
    for (const { digest } of captured) {
      const bytes = await fetchBlob(destination, "demo/shop", digest);
      expect({ digest, same: upstream.get(digest)?.equals(bytes) }).toEqual({ digest, same: true });
    }
  });

  test("writes an OCI archive that skopeo reads, with the pushed digest", async () => {
    const { bytes } = await fetchManifest(destination, "demo/shop", "1");
    const inspect = ["inspect", "--raw", `oci-archive:${at("shop.tar")}:1`];
    const { stdout } = await promisify(execFile)("skopeo", inspect, { encoding: "buffer" });
    expect([digestOf(bytes), digestOf(stdout)]).toEqual([report.digest, report.digest]);
  });

  test("pushes a second time without sending a blob", async () => {
    front.clear();
    const pushed = await home.kubefile(["push", "--store", home.store, reference]);
    expect(pushed).toMatchObject({ exitCode: 0, stdout: `${reference}@${report.digest}\n` });
    expect(front.count("HEAD")).toBeGreaterThan(0);
    expect(front.requests.filter(({ url }) => url.includes("/blobs/uploads/"))).toEqual([]);
  });

  test("leaves nothing behind, and what is not its own alone", async () => {
    expect(built.runIds).toHaveLength(1);
    expect(await leftovers(home, built.runIds)).toEqual([]);
    expect(volumes.length).toBeGreaterThan(0);
    expect(lines(await docker("volume", "ls", "--quiet")).filter((name) => volumes.includes(name))).toEqual([]);
    for (const file of home.kubeconfigs) expect(await readFile(file, "utf8")).toBe(userKubeconfig);
    expect(await bystander.state()).toBe(bystander.before);
  });
});

describe("verifying what was pushed", () => {
  let other: CommandHome;
  beforeAll(async () => {
    other = await commandHome();
  });
  afterAll(() => other.remove());

  test("passes in another cluster, with the registries of the images gone", async () => {
    await internet.stop();
    const flags = ["--store", other.store, "--quiet-window", "3s", "--format", "json"];
    const verified = await other.kubefile(["verify", ...flags, reference]);
    expect(verified).toMatchObject({ exitCode: 0 });
    const verdict: Verdict = JSON.parse(verified.stdout);
    expect(verdict).toMatchObject({ reference, verdict: "passed", reasons: [], digest: report.digest, images: 12 });
    expect(verified.runIds).toHaveLength(1);
    expect(verified.runIds).not.toEqual(built.runIds);
    expect(await leftovers(other, verified.runIds)).toEqual([]);
    for (const file of other.kubeconfigs) expect(await readFile(file, "utf8")).toBe(userKubeconfig);
    expect(await bystander.state()).toBe(bystander.before);
  });
});
