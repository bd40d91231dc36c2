import { createServer, type IncomingMessage, type Server } from "node:http";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { digestOf } from "../../../src/oci/digest.ts";
import { buildInProcess } from "../../support/build-in-process.ts";
import { temporaryDirectories } from "../../support/temporary-directory.ts";

const createDirectory = temporaryDirectories();
const manifest = "kind: List\n";

let server: Server;
let origin: string;
let asked: string[];
let broken: number;

/** A file server with what servers do: redirects, tags, cut answers. */
beforeAll(async () => {
  server = createServer((request: IncomingMessage, response) => {
    asked.push(
      `${request.method} ${request.url}${request.headers.authorization === undefined ? "" : " with a credential"}`,
    );
    if (request.url === "/moved") response.writeHead(302, { location: "/files/operator.yaml" }).end();
    else if (request.url === "/elsewhere") response.writeHead(302, { location: "http://10.255.255.1/x" }).end();
    else if (request.url === "/cut" && broken > 0) {
      broken -= 1;
      response.writeHead(200, { "content-length": "100" });
      response.write("part", () => response.destroy());
    } else if (request.url === "/cut" || request.url?.startsWith("/files/")) {
      const headers = request.url === "/files/tagged.yaml" ? { etag: '"1"' } : {};
      response.writeHead(200, { ...headers, "last-modified": "Thu, 01 Jan 2015 00:00:00 GMT" });
      response.end(request.method === "HEAD" ? undefined : manifest);
    } else response.writeHead(404).end();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  origin = `http://127.0.0.1:${typeof address === "object" ? address?.port : ""}`;
});
afterAll(() => new Promise((resolve) => server.close(resolve)));
beforeEach(() => {
  asked = [];
  broken = 0;
});

async function build(...lines: string[]) {
  return buildInProcess({
    directory: await createDirectory(),
    files: { Kubefile: ["FROM scratch", ...lines, ""].join("\n") },
  });
}

test("ADD fetches what its checksum says, with one request; redirects are followed", async () => {
  const flag = `--checksum=${digestOf(manifest)}`;
  const { layers, readText } = await build(
    `ADD ${flag} ${origin}/moved manifests/a.yaml`,
    `ADD ${flag} ${origin}/gone b`,
    "CMD true",
  );
  expect(layers).toEqual([["manifests/", "manifests/a.yaml"], ["b"]]);
  expect(readText("manifests/a.yaml")).toBe(manifest);
  expect(asked).toEqual(["GET /moved", "GET /files/operator.yaml"]);
});

test("ADD refuses other content, and tells both checksums", async () => {
  const wrong = `sha256:${"0".repeat(64)}`;
  await expect(build(`ADD --checksum=${wrong} ${origin}/files/a.yaml .`, "CMD true")).rejects.toMatchObject({
    code: "CHECKSUM_MISMATCH",
    message: `${origin}/files/a.yaml has the checksum ${digestOf(manifest)}, not ${wrong}`,
    where: { file: "Kubefile", line: 2 },
  });
});

test("without a checksum the file is named by its address, and two builds have the same layers", async () => {
  const lines = [
    `ADD ${origin}/files/tagged.yaml manifests/`,
    `ADD --chmod=0755 ${origin}/files/a%20b manifests/`,
    "CMD true",
  ];
  const [one, other] = [await build(...lines), await build(...lines)];
  expect(one.layers).toEqual([
    ["manifests/", "manifests/tagged.yaml"],
    ["manifests/", "manifests/a b"],
  ]);
  expect(one.image.digest).toBe(other.image.digest);
  // What each source stands for is found out before anything is done; only a tag spares the download for that.
  expect(asked.slice(0, 4)).toEqual([
    "HEAD /files/tagged.yaml",
    "HEAD /files/a%20b",
    "GET /files/a%20b",
    "GET /files/tagged.yaml",
  ]);
});

test("APP takes its files from addresses", async () => {
  const { image } = await build(`APP web ${origin}/files/web.yaml ${origin}/files/more.yaml`, "LAUNCH web");
  expect(image.config.launch.commands).toMatchObject([{ command: "kubectl apply -f more.yaml -f web.yaml" }]);
});

test("a download that breaks off is tried again, and an absent file is told at its line", async () => {
  broken = 1;
  const { readText } = await build(`ADD ${origin}/cut x`, "CMD true");
  expect(readText("x")).toBe(manifest);
  await expect(build("ENV A=1", `ADD ${origin}/none x`, "CMD true")).rejects.toMatchObject({
    code: "FETCH_FAILED",
    message: expect.stringMatching(/^cannot fetch http.*\/none: 127\.0\.0\.1:\d+ answered 404/),
    where: { line: 3 },
  });
});
