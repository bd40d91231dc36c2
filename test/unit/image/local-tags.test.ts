import { readdir, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { listLocal, resolveLocal, tagLocal } from "../../../src/image/local-tags.ts";
import { readNameHere } from "../../../src/image/name-here.ts";
import { digestOf, parseDigest } from "../../../src/oci/digest.ts";
import { OCI_MANIFEST } from "../../../src/oci/media-types.ts";
import { parseReference } from "../../../src/oci/reference.ts";
import { ownIdentity } from "../../../src/process/process-identity.ts";
import { ownedFileName } from "../../../src/store/file-owner.ts";
import { failureOf } from "../../support/failure.ts";
import { temporaryDirectory, temporaryStore } from "../../support/sample-images.ts";

const now = new Date("2024-01-01T00:00:00Z");
const one = { mediaType: OCI_MANIFEST, digest: digestOf("one"), size: 3 };
const two = { mediaType: OCI_MANIFEST, digest: digestOf("two"), size: 3 };
const shop = parseReference("registry.example/shop:1");

describe("local tags", () => {
  it("name manifests, one at a time", async () => {
    const { directory } = await temporaryStore();
    await tagLocal(directory, parseReference("shop"), one, { now });
    await tagLocal(directory, shop, one, { now });
    await tagLocal(directory, shop, two, { now });
    expect(await listLocal(directory)).toEqual([
      { reference: "docker.io/library/shop:latest", descriptor: one, tagged: "2024-01-01T00:00:00.000Z" },
      { reference: "registry.example/shop:1", descriptor: two, tagged: "2024-01-01T00:00:00.000Z" },
    ]);
    expect(await resolveLocal(directory, shop)).toEqual(two);
    expect(await resolveLocal(directory, parseReference(`other@${one.digest}`))).toEqual(one);
    expect(await resolveLocal(directory, parseReference("shop:2"))).toBeUndefined();
    expect((await readdir(directory)).sort()).toEqual(["blobs", "index.json", "ingest", "leases", "oci-layout"]);
  });

  it("are none where there is no store", async () => {
    expect(await listLocal(join(await temporaryDirectory(), "none"))).toEqual([]);
  });

  it("are all kept when many are written at the same time", async () => {
    const { directory } = await temporaryStore();
    const names = Array.from({ length: 40 }, (_, number) => parseReference(`registry.example/shop:${number}`));
    await Promise.all(names.map((name) => tagLocal(directory, name, one, { now })));
    expect(await listLocal(directory)).toHaveLength(names.length);
    expect((await readdir(directory)).sort()).toEqual(["blobs", "index.json", "ingest", "leases", "oci-layout"]);
  });

  it("take over the lock of a dead process, and only once when several wait", async () => {
    const { directory } = await temporaryStore();
    const dead = { ...(await ownIdentity()), pid: 4_194_305 };
    await symlink(ownedFileName(dead), join(directory, "index.json.lock"));
    const names = ["a", "b", "c", "d"].map((name) => parseReference(`registry.example/${name}:1`));
    await Promise.all(names.map((name) => tagLocal(directory, name, one, { now })));
    expect(await listLocal(directory)).toHaveLength(names.length);
  });

  it("wait for the lock of a living process until they are told not to", async () => {
    const { directory } = await temporaryStore();
    const lock = join(directory, "index.json.lock");
    await symlink(ownedFileName(await ownIdentity()), lock);
    const signal = AbortSignal.timeout(200);
    expect(await failureOf(tagLocal(directory, shop, one, { now, signal }))).toContain("ABORT_ERR");
    await rm(lock);
    await tagLocal(directory, shop, one, { now });
  });

  it("do not pass over an index that is broken", async () => {
    const { directory } = await temporaryStore();
    await writeFile(join(directory, "index.json"), "{");
    expect(await failureOf(tagLocal(directory, shop, one, { now }))).toContain("STORE_CORRUPT: ");
    expect(await failureOf(listLocal(directory))).toContain("STORE_CORRUPT: ");
  });
});

describe("a digest in the place of a name", () => {
  const digits = one.digest.slice("sha256:".length);
  const written = [one.digest, digits, digits.slice(0, 12), `sha256:${digits.slice(0, 20)}`];

  it.each(written)("stands for what has it here: %s", async (text) => {
    const { directory } = await temporaryStore();
    await tagLocal(directory, shop, one, { now });
    await tagLocal(directory, parseReference("shop"), two, { now });
    const reference = await readNameHere(directory, text);
    expect(reference).toEqual({ host: "registry.example", path: "shop", digest: one.digest });
    expect(await resolveLocal(directory, reference)).toEqual(one);
  });

  it("is looked for at no registry", async () => {
    const { directory } = await temporaryStore();
    for (const text of [one.digest, digits, `sha256:${digits.slice(0, 12)}`, `sha256:${digits.slice(0, 4)}`]) {
      expect(await failureOf(readNameHere(directory, text))).toBe(
        `USAGE: no cluster image with a name here has the digest ${text}`,
      );
    }
    expect(await readNameHere(directory, digits.slice(0, 12))).toEqual(parseReference(digits.slice(0, 12)));
    expect(await readNameHere(directory, "shop:1")).toEqual(parseReference("shop:1"));
  });

  it("must be of one image alone", async () => {
    const { directory } = await temporaryStore();
    const twin = { ...one, digest: parseDigest(`sha256:${digits.slice(0, 40)}${"0".repeat(24)}`) };
    await tagLocal(directory, shop, one, { now });
    await tagLocal(directory, parseReference("shop"), twin, { now });
    expect(await failureOf(readNameHere(directory, digits.slice(0, 12)))).toContain("several cluster images here");
    expect((await readNameHere(directory, digits)).digest).toBe(one.digest);
  });
});
