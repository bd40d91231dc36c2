import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { KubernetesApiError } from "../../../src/cluster/api-client.ts";
import { KubefileError } from "../../../src/error.ts";
import { asKubefileError } from "../../../src/pipeline/failure.ts";
import { RegistryError } from "../../../src/registry/errors.ts";
import { temporaryDirectories } from "../../support/temporary-directory.ts";

const temporaryDirectory = temporaryDirectories();

describe("asKubefileError", () => {
  it("leaves ours alone", () => {
    const error = new KubefileError("USAGE", "wrong");
    expect(asKubefileError(error)).toBe(error);
  });

  it.each([
    [new RegistryError(403, "DENIED", "registry ghcr.io answered 403: no"), "REGISTRY", "ghcr.io answered 403: no"],
    [new KubernetesApiError(500, "InternalError", "etcdserver: timed out"), "CLUSTER_FAILED", "etcdserver: timed out"],
    [systemError("ENOSPC", "/var/cache/x"), "DISK_SHORT", "no space left on the disk at /var/cache/x"],
    [systemError("EROFS", "/home/me"), "STORE_UNUSABLE", "EROFS"],
    [systemError("ENAMETOOLONG", `/root${"/d".repeat(5_000)}`), "UNSUPPORTED", "ENAMETOOLONG"],
    [new TypeError("x is undefined"), "INTERNAL", "x is undefined"],
    ["thrown text", "INTERNAL", "thrown text"],
  ])("tells %s with its code and a next step", (error, code, message) => {
    const known = asKubefileError(error);
    expect(known).toMatchObject({ code, message: expect.stringContaining(message), cause: error });
    expect(known.hint).toBeTruthy();
    expect(known.message.length).toBeLessThan(300);
  });

  it("tells of a file where a directory of ours should be", async () => {
    const file = join(await temporaryDirectory(), "state");
    await writeFile(file, "");
    const refused = (path: string): Promise<unknown> =>
      mkdir(path, { recursive: true }).catch((error: unknown) => error);
    for (const path of [file, join(file, "runs")]) {
      expect(asKubefileError(await refused(path))).toMatchObject({
        code: "STORE_UNUSABLE",
        message: expect.stringContaining(file),
      });
    }
  });

  it("takes what the system does not know as a file for a defect", async () => {
    const directory = join(await temporaryDirectory(), "directory");
    await mkdir(directory);
    const error: unknown = await writeFile(directory, "x").catch((refused: unknown) => refused);
    expect(asKubefileError(error)).toMatchObject({ code: "INTERNAL", message: expect.stringContaining("EISDIR") });
  });
});

function systemError(code: string, path: string): Error {
  return Object.assign(new Error(`${code}: refused, open '${path}'`), { code, syscall: "open", path });
}
