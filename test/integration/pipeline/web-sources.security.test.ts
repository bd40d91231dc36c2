import { execFileSync } from "node:child_process";
import { mkdir, readdir, writeFile } from "node:fs/promises";
import { createServer as createPlainServer, type RequestListener, type Server } from "node:http";
import { createServer } from "node:https";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterEach, describe, expect, test } from "vitest";
import { createWebSources } from "../../../src/pipeline/web-sources.ts";
import type { RegistryClientOptions } from "../../../src/registry/client.ts";
import { openStore } from "../../../src/store/store.ts";
import { buildInProcess } from "../../support/build-in-process.ts";
import { type Certificate, makeCertificate } from "../../support/certificate.ts";
import { type CommandHome, commandHome } from "../../support/kubefile-command.ts";
import { temporaryDirectories } from "../../support/temporary-directory.ts";
import { credentialsFor, upstreamClient } from "../../support/upstream-client.ts";

const createDirectory = temporaryDirectories();
const servers: Server[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
});

interface Web {
  /** `127.0.0.1:PORT`. */
  readonly host: string;
  /** `GET /path`, with the credential that came along. */
  readonly asked: readonly string[];
}

async function serve(answer: RequestListener, certificate?: Certificate): Promise<Web> {
  const asked: string[] = [];
  const listener: RequestListener = (request, response) => {
    asked.push(`${request.method} ${request.url} ${request.headers.authorization ?? ""}`.trimEnd());
    answer(request, response);
  };
  const server =
    certificate === undefined
      ? createPlainServer(listener)
      : createServer({ cert: certificate.certificate, key: certificate.key }, listener);
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  return { host: `127.0.0.1:${typeof address === "object" ? address?.port : ""}`, asked };
}

const found: RequestListener = (_request, response) => void response.end("kind: List\n");
const movedTo =
  (location: string): RequestListener =>
  (_request, response) =>
    void response.writeHead(302, { location }).end();

async function add(address: string, options: Partial<RegistryClientOptions> = {}) {
  return buildInProcess({
    directory: await createDirectory(),
    files: { Kubefile: `FROM scratch\nADD ${address} a.yaml\nCMD true\n` },
    host: { client: upstreamClient({ trustedHosts: () => false, ...options }) },
  });
}

describe("a redirect", () => {
  test.each(["localhost", "169.254.169.254", "[::1]", "10.0.0.1"])("to the private %s is refused", async (host) => {
    const inside = await serve(found);
    const target = `${host}:${inside.host.split(":")[1]}`;
    const outside = await serve(movedTo(`http://${target}/secret`));
    await expect(add(`http://${outside.host}/a.yaml`)).rejects.toMatchObject({
      code: "FETCH_FAILED",
      message: expect.stringContaining("private address"),
      where: { file: "Kubefile", line: 2 },
    });
    expect(inside.asked).toEqual([]);
  });

  test("to another origin that somebody has named gets no credential, nor does the first", async () => {
    const inside = await serve(found);
    const outside = await serve(movedTo(`http://${inside.host}/b.yaml`));
    const me = { username: "me", password: "canary-password" };
    const { readText } = await add(`http://${outside.host}/a.yaml`, {
      credentials: credentialsFor({ [outside.host]: me, [inside.host]: me }),
      trustedHosts: (host) => host === inside.host,
      insecure: new Set([inside.host]),
    });
    expect(readText("a.yaml")).toBe("kind: List\n");
    expect([...outside.asked, ...inside.asked]).toEqual([
      ...["HEAD /a.yaml", "GET /a.yaml"],
      ...["HEAD /b.yaml", "GET /b.yaml"],
    ]);
  });

  test("from https to http is refused", async () => {
    const certificate = await makeCertificate(await createDirectory(), ["files.test"]);
    const plain = await serve(found);
    const secure = await serve(movedTo(`http://${plain.host}/a.yaml`), certificate);
    const authorities = new Map([[secure.host, certificate.certificate]]);
    await expect(add(`https://${secure.host}/a.yaml`, { authorities, trustedHosts: () => true })).rejects.toMatchObject(
      { code: "FETCH_FAILED", message: expect.stringContaining("http") },
    );
    expect(plain.asked).toEqual([]);
  });
});

describe("a server with a private authority", () => {
  let home: CommandHome | undefined;
  afterEach(() => home?.remove());

  test("is believed when the runner names that authority, and else is not", async () => {
    home = await commandHome();
    const certificate = await makeCertificate(home.directory, ["files.test"]);
    const web = await serve(found, certificate);
    const context = join(home.directory, "context");
    await mkdir(context);
    await writeFile(join(context, "Kubefile"), `FROM scratch\nADD https://${web.host}/a.yaml manifests/\nCMD true\n`);
    const args = ["build", "--capture", "static", "--store", home.store, context];
    const refused = await home.kubefile(args);
    expect(refused).toMatchObject({ exitCode: 1 });
    expect(refused.stderr).toMatch(/error\[FETCH_FAILED\]: \S*Kubefile:2:1: .*certificate/);
    const built = await home.kubefile(args, { env: { NODE_EXTRA_CA_CERTS: certificate.certificateFile } });
    expect(built).toMatchObject({ exitCode: 0 });
    expect(web.asked).toEqual(["HEAD /a.yaml", "GET /a.yaml"]);
  });
});

describe("a file that is too large", () => {
  test.each([
    ["by its header", { "content-length": "1001" }],
    ["by what comes", {}],
  ])("%s is refused, and leaves nothing in the store", async (_name, headers) => {
    const web = await serve((request, response) => {
      response.writeHead(200, headers);
      if (request.method === "HEAD") response.end();
      else response.write("x".repeat(600), () => response.write("x".repeat(401)));
    });
    const store = await openStore(await createDirectory());
    const client = upstreamClient();
    try {
      const sources = createWebSources(client, store, 1000);
      const url = `http://${web.host}/large`;
      const signal = AbortSignal.timeout(20_000);
      await expect(sources.resolve({ kind: "url", url, unpack: false }, { signal })).rejects.toMatchObject({
        code: "FETCH_FAILED",
        message: `${url} is larger than 1000 bytes`,
      });
      const files = await readdir(store.directory, { recursive: true, withFileTypes: true });
      const blobs = files.filter((entry) => entry.isFile() && /blobs|ingest/.test(entry.parentPath));
      expect(blobs.map(({ name }) => name)).toEqual([]);
    } finally {
      await store.close();
      await client.close();
    }
  });
});

describe("an archive at an address", () => {
  const tar = execFileSync("tar", ["-c", "--sort=name", "-C", "src/kubefile", "word.ts", "nearest.ts"]);

  async function build(flags: string, name: string, content: Buffer) {
    const web = await serve((_request, response) => void response.end(content));
    const { layers } = await buildInProcess({
      directory: await createDirectory(),
      files: { Kubefile: `FROM scratch\nADD ${flags} http://${web.host}/${name} x/\nCMD true\n` },
    });
    return layers;
  }

  test("is unpacked when --unpack says so, and only then", async () => {
    expect(await build("--unpack", "a.tgz", gzipSync(tar))).toEqual([["x/", "x/nearest.ts", "x/word.ts"]]);
    expect(await build("--unpack=false", "a.tar", tar)).toEqual([["x/", "x/a.tar"]]);
    expect(await build("", "a.tar", tar)).toEqual([["x/", "x/a.tar"]]);
    expect(await build("--unpack=true", "a.yaml", Buffer.from("kind: List\n"))).toEqual([["x/", "x/a.yaml"]]);
    await expect(build("--unpack", "a.tar.xz", tar.subarray(3))).rejects.toMatchObject({ code: "UNSUPPORTED" });
  });
});
