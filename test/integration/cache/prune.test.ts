import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { encodeRecord } from "../../../src/cache/record.ts";
import { recordPath } from "../../../src/cache/record-directory.ts";
import { recordTag } from "../../../src/cache/registry-tag.ts";
import { OCI_MANIFEST } from "../../../src/oci/media-types.ts";
import { writeContext } from "../../e2e/shop/context.ts";
import { disposal } from "../../support/disposal.ts";
import { type DockerRegistry, startDockerRegistry } from "../../support/docker-registry.ts";
import { buildImage, buildLayer, type Image } from "../../support/image-builder.ts";
import { uploadImage } from "../../support/image-upload.ts";
import { type CommandHome, command, commandHome } from "../../support/kubefile-command.ts";
import { keyOf, stepRecord } from "../../support/sample-records.ts";
import { upstreamClient } from "../../support/upstream-client.ts";

/** Each test runs the command a dozen times. */
const TIMEOUT = 300_000;

const closing = disposal();
const { signal } = new AbortController();
let home: CommandHome;
let registry: DockerRegistry;
let image: Image;
beforeAll(async () => {
  home = await commandHome();
  registry = await startDockerRegistry({ distribution: 3 });
  image = buildImage({ format: "oci", layers: [await buildLayer([{ path: "a", content: "a" }])], entrypoint: ["/a"] });
  await uploadImage(registry, "shop/web", "1", image);
});
afterAll(async () => {
  await registry?.stop();
  await home?.remove();
});

let contexts = 0;
/** A context whose first step nobody has built before. */
async function newContext(): Promise<string> {
  contexts += 1;
  return writeContext(join(home.directory, `context-${contexts}`), {
    Kubefile: "FROM scratch\nCOPY etc etc\nAPP web local://web/\nLAUNCH web\n",
    "etc/number": `${contexts}\n`,
    "web/pod.yaml": JSON.stringify({
      ...{ apiVersion: "v1", kind: "Pod", metadata: { name: "web" } },
      spec: { containers: [{ name: "web", image: `${registry.host}/shop/web:1` }] },
    }),
  });
}

async function build(context: string, ...flags: readonly string[]): Promise<{ digest: string; cached: boolean[] }> {
  const report = join(home.directory, "report.json");
  const args = ["build", "--capture", "static", "--no-lock", ...flags, "--report", report, context];
  const { exitCode, stderr } = await home.kubefile(args);
  expect(exitCode, stderr).toBe(0);
  const { digest, steps, rehearsal } = JSON.parse(await readFile(report, "utf8"));
  return { digest, cached: [...steps, rehearsal].map(({ state }: { state: string }) => state === "cached") };
}

const storeOf = (name: string): string => join(home.directory, `store-${name}`);
const blobsIn = (store: string): Promise<string[]> => readdir(join(store, "blobs", "sha256"));

async function succeeds(...args: readonly string[]): Promise<string> {
  const { exitCode, stdout, stderr } = await home.kubefile(args);
  expect(exitCode, stderr).toBe(0);
  return stdout;
}

describe("kubefile cache, on the local store", { timeout: TIMEOUT }, () => {
  test("lists records as people know them, and removes them with what only they kept", async () => {
    const store = storeOf("local");
    const [first, second] = [await newContext(), await newContext()];
    const { digest } = await build(first, "--store", store, "-t", "shop:1");
    await build(second, "--store", store);
    const listed = await succeeds("cache", "ls", "--store", store);
    expect(listed).toContain("COPY etc etc");
    expect(listed).toContain("APP web local://web/");
    expect(listed).toContain("1 image named in files");
    expect(listed).toMatch(/the local store: 8 records, \d/);
    expect(listed).toMatch(/\d+ blobs, [\d.]+ KiB; nothing leads to 2 of them, /);
    const before = await blobsIn(store);
    expect(await succeeds("cache", "prune", "--store", store)).toMatch(
      /removed 0 records and 2 blobs, .*; 8 records stay/,
    );
    expect(await succeeds("cache", "prune", "--store", store, "--all", "--dry-run")).toContain(
      "would remove 8 records",
    );
    expect(await succeeds("cache", "prune", "--store", store, "--all")).toMatch(/removed 8 records and [1-9]/);
    expect((await blobsIn(store)).length).toBeLessThan(before.length);
    // What has a name stays whole: it can be pushed.
    await succeeds("push", "--store", store, "shop:1", `${registry.host}/shop/kept:1`);
    expect(await build(first, "--store", store)).toEqual({ digest, cached: [false, false, false] });
    expect(await build(first, "--store", store)).toEqual({ digest, cached: [true, true, true] });
    const json = JSON.parse(await succeeds("cache", "ls", "--store", store, "--format", "json"));
    expect(json).toMatchObject([{ place: "the local store", records: Array(4).fill({ scope: "unprotected" }) }]);
  });

  test("prints all of a long list to whoever reads it slowly", async () => {
    const store = storeOf("long");
    await mkdir(join(store, "records", "unprotected"), { recursive: true });
    const records = Array.from({ length: 1_000 }, (_, position) => stepRecord(`step ${position}`));
    for (const record of records) await writeFile(recordPath(store, "unprotected", record.key), encodeRecord(record));
    const list = `"$0" "$1" cache ls --store "$2" | { sleep 1; tail -n 2; }`;
    const { stdout } = await promisify(execFile)("sh", ["-c", list, process.execPath, command, store], {
      env: home.environment,
    });
    expect(stdout).toMatch(/^the local store: 1000 records, .*\n0 blobs, 0 B\n$/);
  });

  test("waits for no build and removes nothing beneath it, in whatever process it runs", async () => {
    const store = storeOf("busy");
    const context = await newContext();
    const { digest } = await build(context, "--store", store);
    const before = await blobsIn(store);
    // A registry that takes its time: the build goes on until it is let go.
    await using slow = await holdingBuild(await newContext(), store);
    const refused = await home.kubefile(["cache", "prune", "--all", "--store", store]);
    expect(refused).toMatchObject({ exitCode: 1, stdout: "" });
    expect(refused.stderr).toContain(`error[STORE_BUSY]: the store in ${store} is in use by process ${slow.pid} on `);
    expect(await blobsIn(store)).toEqual(expect.arrayContaining(before));
    expect(await build(context, "--store", store)).toEqual({ digest, cached: [true, true, true] });
    slow.kill();
    await slow.ended;
    expect(await succeeds("cache", "prune", "--all", "--store", store)).toContain("0 records stay");
  });

  test("killed at any moment, leaves what remains whole", async () => {
    const store = storeOf("killed");
    const context = await newContext();
    const { digest } = await build(context, "--store", store, "-t", "shop:kept");
    for (let stray = 0; stray < 400; stray += 1) {
      const bytes = `stray ${stray}`;
      await writeFile(join(store, "blobs", "sha256", keyOf(bytes)), bytes);
    }
    let wasKilled = 0;
    for (const delay of [0, 10, 30]) {
      const child = spawn(process.execPath, [command, "cache", "prune", "--store", store, "--keep", "2"], {
        env: home.environment,
        stdio: "ignore",
      });
      const ended = once(child, "exit");
      const before = (await blobsIn(store)).length;
      // Until it has begun, or is done.
      while (child.exitCode === null && (await blobsIn(store)).length === before) await sleep(2);
      await sleep(delay);
      if (child.kill("SIGKILL")) wasKilled += 1;
      await ended;
      for (let stray = 0; stray < 400; stray += 1) {
        const bytes = `stray ${stray}`;
        await writeFile(join(store, "blobs", "sha256", keyOf(bytes)), bytes);
      }
    }
    expect(wasKilled).toBeGreaterThan(0);
    await succeeds("push", "--store", store, "shop:kept", `${registry.host}/shop/killed:1`);
    expect(await succeeds("cache", "prune", "--store", store)).toMatch(/removed 0 records and 400 blobs/);
    expect((await build(context, "--store", store)).digest).toBe(digest);
  });
});

describe("kubefile cache, on a registry", { timeout: TIMEOUT }, () => {
  test("removes records of its prefix by digest, and nothing of anybody else", async () => {
    const path = "pruned/cache";
    const spec = `type=registry,ref=${registry.host}/${path}`;
    const contexts = [await newContext(), await newContext()];
    for (const context of contexts) await build(context, "--cache-to", spec, "--store", storeOf("registry"));
    await build(contexts[0] ?? "", "--cache-to", `${spec},prefix=other`, "--no-cache", "--store", storeOf("other"));
    await uploadImage(registry, path, "1.0", image);
    await uploadImage(registry, path, "cache-of-mine", image);
    // Under the name of a record, and of no record's kind.
    const foreign = recordTag("cache", "unprotected", keyOf("foreign"));
    await uploadImage(registry, path, foreign, image);
    const client = closing(upstreamClient());
    const repository = { host: registry.host, path };
    const all = await client.tags(repository, { signal });
    const records = all.filter((tag) => tag.startsWith("cache-") && tag !== "cache-of-mine" && tag !== foreign);
    expect(records).toHaveLength(8);
    // Somebody has given a record a name of their own, and another has the name of a protected one.
    const [kept = "", forged = ""] = records;
    const manifestOf = (tag: string) => client.manifest(repository, tag, { signal });
    await client.pushManifest(repository, "mine", OCI_MANIFEST, (await manifestOf(kept)).bytes, { signal });
    const asProtected = recordTag("cache", "protected", keyOf("forged"));
    await client.pushManifest(repository, asProtected, OCI_MANIFEST, (await manifestOf(forged)).bytes, { signal });

    const listed = await succeeds("cache", "ls", "--cache-from", spec);
    expect(listed).toContain("COPY etc etc");
    expect(listed).toMatch(/: 8 records, .*; 7 tags of others/);
    expect(listed).toContain(`left alone: ${foreign}: it is "application/vnd.oci.image.config.v1+json"`);
    expect(listed).toContain(`left alone: ${asProtected}: it is unprotected`);

    const said = await succeeds("cache", "prune", "--cache-to", spec, "--all", "--dry-run");
    expect(said).toMatch(/would remove 6 records, up to .* for the registry to collect; 2 records stay/);
    expect((await client.tags(repository, { signal })).toSorted()).toEqual([...all, "mine", asProtected].toSorted());
    const pruned = await succeeds("cache", "prune", "--cache-to", spec, "--all");
    expect(pruned).toMatch(/removed 6 records, /);
    expect(pruned).toContain(`left alone: ${kept}: the tag mine stands for the same`);
    expect(pruned).toContain(`left alone: ${forged}: the tag ${asProtected} stands for the same`);
    const gone = records.filter((tag) => tag !== kept && tag !== forged);
    expect((await client.tags(repository, { signal })).toSorted()).toEqual(
      [...all.filter((tag) => !gone.includes(tag)), "mine", asProtected].toSorted(),
    );
    // The other prefix is as good as before.
    const [context = ""] = contexts;
    const { cached } = await build(context, "--cache-from", `${spec},prefix=other`, "--store", storeOf("empty"));
    expect(cached).toEqual([true, true, true]);
  });

  test("keeps to its rule, and to what several records have in common", async () => {
    const spec = `type=registry,ref=${registry.host}/ruled/cache`;
    await build(await newContext(), "--cache-to", spec, "--store", storeOf("ruled"));
    const newer = await newContext();
    await build(newer, "--cache-to", spec, "--store", storeOf("ruled"));
    expect(await succeeds("cache", "prune", "--cache-from", spec, "--older-than", "1h")).toContain("removed 0 records");
    expect(await succeeds("cache", "prune", "--cache-from", spec, "--keep", "4")).toContain("removed 4 records");
    const { cached } = await build(newer, "--cache-from", spec, "--store", storeOf("ruled-again"));
    expect(cached).toEqual([true, true, true]);
  });

  test("says what to do where nothing may be deleted, after one question", async () => {
    const strict = await startDockerRegistry({ deletes: false });
    closing({ close: () => strict.stop() });
    const spec = `type=registry,ref=${strict.host}/strict/cache`;
    await build(await newContext(), "--cache-to", spec, "--store", storeOf("strict"));
    const refused = await home.kubefile(["cache", "prune", "--all", "--cache-to", spec]);
    expect(refused).toMatchObject({ exitCode: 1, stdout: "" });
    expect(refused.stderr).toContain(`lets nothing be deleted from ${strict.host}/strict/cache\n`);
    expect(refused.stderr).toMatch(/hint: allow it there \(distribution: REGISTRY_STORAGE_DELETE_ENABLED=true\)/);
    expect(strict.log.filter((line) => line.includes('"DELETE '))).toHaveLength(1);
    expect(await succeeds("cache", "ls", "--cache-from", spec)).toContain("4 records");
  });
});

/** A build that goes on until it is killed: what it fetches never comes. */
async function holdingBuild(
  context: string,
  store: string,
): Promise<{ pid: number; kill(): void; ended: Promise<unknown> } & AsyncDisposable> {
  const { createServer } = await import("node:http");
  const server = createServer(() => undefined).listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  const port = typeof address === "object" ? address?.port : 0;
  await mkdir(join(context, "etc"), { recursive: true });
  await writeFile(
    join(context, "Kubefile"),
    `FROM scratch\nADD http://127.0.0.1:${port}/never etc/never\nCMD kubectl version\n`,
  );
  const asked = once(server, "request");
  const child = spawn(process.execPath, [command, "build", "--capture", "static", "--store", store, context], {
    env: home.environment,
    stdio: "ignore",
  });
  const ended = once(child, "exit");
  await asked;
  return {
    pid: child.pid ?? 0,
    kill: () => child.kill("SIGKILL"),
    ended,
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await ended;
      server.closeAllConnections();
      server.close();
    },
  };
}
