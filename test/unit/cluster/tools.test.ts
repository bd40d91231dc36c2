import { createHash } from "node:crypto";
import { once } from "node:events";
import { chmod, mkdir, readdir, stat, writeFile } from "node:fs/promises";
import { createServer, type RequestListener } from "node:http";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import type { PinnedTool } from "../../../src/cluster/pinned-tools.ts";
import { findKind, parseKindVersion } from "../../../src/cluster/tools.ts";
import { temporaryDirectories } from "../../support/temporary-directory.ts";

const temporaryDirectory = temporaryDirectories();
const closing: (() => void)[] = [];
afterEach(() => {
  for (const close of closing.splice(0)) close();
});

const program = "#!/bin/sh\necho 'kind v0.33.0 go1.26.8 linux/amd64'\n";

async function programDirectory(version: string): Promise<string> {
  const directory = await temporaryDirectory();
  await writeFile(join(directory, "kind"), `#!/bin/sh\necho '${version}'\n`);
  await chmod(join(directory, "kind"), 0o755);
  return directory;
}

async function release(listener: RequestListener): Promise<PinnedTool> {
  const server = createServer(listener).listen(0, "127.0.0.1");
  await once(server, "listening");
  closing.push(() => server.close());
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  const url = `http://127.0.0.1:${address.port}/kind`;
  const sha256 = createHash("sha256").update(program).digest("hex");
  return { version: "v0.33.0", downloads: { "linux/x64": { url, sha256 } } };
}

const platform = "linux/x64";

describe("kind on PATH", () => {
  test("is taken from the first directory where its version suits", async () => {
    const old = await programDirectory("kind v0.26.0 go1.23 linux/amd64");
    const other = await programDirectory("something else");
    const good = await programDirectory("kind v0.27.0 go1.23 linux/amd64");
    const cacheDirectory = await temporaryDirectory();
    const found = await findKind({ directories: ["", old, other, good], cacheDirectory, platform });
    expect(found).toEqual({ path: join(good, "kind"), version: "v0.27.0" });
  });

  test("a directory or a file that cannot be run is passed over", async () => {
    const directory = await temporaryDirectory();
    await writeFile(join(directory, "kind"), program, { mode: 0o644 });
    const pinned: PinnedTool = { version: "v0.33.0", downloads: {} };
    const failure = findKind({ directories: [directory], cacheDirectory: directory, platform: "plan9/x64", pinned });
    await expect(failure).rejects.toMatchObject({ code: "TOOL_MISSING", exitCode: 3 });
    await expect(failure).rejects.toThrow("there is no build of it for plan9/x64");
  });
});

describe("the pinned kind", () => {
  test("is downloaded once, through redirects, and can be run", async () => {
    let requests = 0;
    const pinned = await release((request, response) => {
      requests += 1;
      if (request.url === "/kind") response.writeHead(302, { location: "/files/kind" }).end();
      else response.end(program);
    });
    const old = await programDirectory("kind v0.20.0 go1.20 linux/amd64");
    const cacheDirectory = join(await temporaryDirectory(), "tools");
    const options = { directories: [old], cacheDirectory, platform, pinned };
    const found = await findKind(options);
    expect(found.version).toBe("v0.33.0");
    expect((await stat(found.path)).mode & 0o111).toBe(0o111);
    expect(await findKind(options)).toEqual(found);
    expect(requests).toBe(2);
  });

  test.each<[string, RequestListener, string]>([
    ["another file", (_request, response) => response.end("#!/bin/sh\nevil\n"), "was pinned"],
    ["a missing file", (_request, response) => response.writeHead(404).end(), "status 404"],
    [
      "an endless redirect",
      (_request, response) => response.writeHead(302, { location: "/kind" }).end(),
      "too many redirects",
    ],
    [
      "a cut",
      (_request, response) => {
        response.writeHead(200, { "content-length": "100" });
        response.write("x");
        response.destroy();
      },
      "could not be downloaded",
    ],
  ])("%s ends with what was wrong and how to install it, and leaves nothing", async (_case, listener, message) => {
    const pinned = await release(listener);
    const cacheDirectory = await temporaryDirectory();
    const failure = findKind({ directories: [], cacheDirectory, platform, pinned });
    await expect(failure).rejects.toMatchObject({ code: "TOOL_MISSING", hint: expect.stringContaining("go install") });
    await expect(failure).rejects.toThrow(message);
    const left = await readdir(cacheDirectory, { recursive: true, withFileTypes: true });
    expect(left.filter((entry) => entry.isFile())).toEqual([]);
  });

  test("a cache that cannot be written is told", async () => {
    const directory = await temporaryDirectory();
    await mkdir(join(directory, "sub"));
    await writeFile(join(directory, "file"), "");
    const pinned = await release((_request, response) => response.end(program));
    const failure = findKind({ directories: [], cacheDirectory: join(directory, "file"), platform, pinned });
    await expect(failure).rejects.toMatchObject({ code: "TOOL_MISSING" });
  });
});

test.each([
  ["kind v0.33.0 go1.26.8 linux/amd64\n", "v0.33.0"],
  ["kind v0.34.0-alpha+abc go1.26 linux/amd64", "v0.34.0-alpha+abc"],
  ["kind", undefined],
  ["", undefined],
])("the version in %j", (output, version) => {
  expect(parseKindVersion(output)).toBe(version);
});
