import type { ServerResponse } from "node:http";
import { expect, it } from "vitest";
import { encodeRecord } from "../../../src/cache/record.ts";
import { writeRecordManifest } from "../../../src/cache/record-manifest.ts";
import { readRegistryRecord } from "../../../src/cache/registry-record.ts";
import { recordTag } from "../../../src/cache/registry-tag.ts";
import { OCI_MANIFEST } from "../../../src/oci/media-types.ts";
import { disposal } from "../../support/disposal.ts";
import { startHttpFixture } from "../../support/http-fixture.ts";
import { stepRecord } from "../../support/sample-records.ts";
import { upstreamClient } from "../../support/upstream-client.ts";

const closing = disposal();
const signal = new AbortController().signal;
const record = stepRecord("a");
const content = encodeRecord(record);
const created = new Date(0);
const manifest = writeRecordManifest(record, content, [], { scope: "unprotected", created, profile: "native" }).bytes;

/** Reads the record of a registry that answers for its content as told, in chunks: without saying how long it is. */
async function readFrom(answer: (response: ServerResponse) => void) {
  const registry = closing(
    await startHttpFixture(({ method, path }, response) => {
      if (path.includes("/manifests/")) response.writeHead(200, { "content-type": OCI_MANIFEST }).end(manifest);
      else if (method === "HEAD") response.writeHead(200, { "content-length": content.byteLength }).end();
      else answer(response.writeHead(200));
    }),
  );
  const client = closing(upstreamClient());
  const repository = { host: registry.host, path: "shop/cache" };
  const tag = recordTag("cache", "unprotected", record.key);
  return await readRegistryRecord({ client, repository, prefix: "cache", tag, signal });
}

it("reads a record that is sent in chunks", async () => {
  const found = await readFrom((response) => {
    response.write(content.subarray(0, 10));
    response.end(content.subarray(10));
  });
  expect(found).toMatchObject({ record });
});

it("reads no further than a record's length, whatever a registry sends", async () => {
  let sent = 0;
  const found = await readFrom((response) => {
    const piece = Buffer.alloc(1024 * 1024, " ");
    const send = (): void => {
      while (sent < 64 && !response.destroyed) {
        sent += 1;
        if (!response.write(piece)) return void response.once("drain", send);
      }
      response.end();
    };
    send();
  });
  expect(found).toEqual({ problem: `its content has more than ${content.byteLength} bytes` });
  expect(sent).toBeLessThan(32);
});
