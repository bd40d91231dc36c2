import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { formatLock } from "../../../src/lock/format-lock.ts";
import type { Lock } from "../../../src/lock/types.ts";
import { digestOf } from "../../../src/oci/digest.ts";
import {
  type BuildLock,
  checkLock,
  lockAfter,
  lockFileOf,
  lockInContext,
  openBuildLock,
  pinnedImages,
  writeBuildLock,
} from "../../../src/pipeline/build-lock.ts";
import { defaultRunImage } from "../../../src/pipeline/options.ts";
import { createProgress } from "../../../src/pipeline/progress.ts";
import { locked } from "../lock/sample-locks.ts";

const images: Lock = {
  images: [
    locked("nginx:1", "nginx", { grade: "ready" }),
    locked("ghcr.io/kubefile-ci/tools:0.0.9", "tools", { role: "run" }),
    locked("kindest/node:v1.34.4", "node", { role: "node" }),
  ],
};

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "kubefile-lock-"));
});
afterAll(() => rm(directory, { recursive: true }));

async function open(lock: "auto" | "write" | "exact" | "off", text = formatLock(images)): Promise<BuildLock> {
  await writeFile(join(directory, "kubefile.lock"), text);
  return openBuildLock({ file: join(directory, "Kubefile"), fileShown: "deploy/Kubefile", lock });
}

describe("where a lock is", () => {
  test("beside its Kubefile, under a name of its own when the Kubefile has one", () => {
    expect(lockFileOf("/app/Kubefile")).toBe("/app/kubefile.lock");
    expect(lockFileOf("/app/prod.Kubefile")).toBe("/app/prod.Kubefile.lock");
  });

  test("in the context or outside of it", () => {
    expect(lockInContext({ context: "/app", file: "/app/deploy/Kubefile" })).toBe("deploy/kubefile.lock");
    expect(lockInContext({ context: "/app/src", file: "/app/Kubefile" })).toBeUndefined();
  });
});

describe("the images of the engine", () => {
  const asked = { runImage: defaultRunImage, nodeImage: undefined };

  test("get the digests of the lock", async () => {
    const lock = await open("auto");
    const { nodeImage } = pinnedImages({ ...asked, nodeImage: "kindest/node:v1.34.4" }, lock);
    expect(nodeImage).toBe(`kindest/node:v1.34.4@${digestOf("node")}`);
    expect(pinnedImages({ ...asked, nodeImage: "kindest/node:v1.35.0" }, lock).nodeImage).toBe("kindest/node:v1.35.0");
    const pinned = `x.example/tools:1@${digestOf("other")}`;
    expect(pinnedImages({ ...asked, runImage: pinned }, lock).runImage).toBe(pinned);
  });

  test("are the lock's own in a locked build that names none, whatever this release would take", async () => {
    const own = `ghcr.io/kubefile-ci/tools:0.0.9@${digestOf("tools")}`;
    expect(pinnedImages(asked, await open("exact"))).toEqual({ runImage: own, nodeImage: undefined });
    expect(pinnedImages(asked, await open("auto")).runImage).toBe(defaultRunImage);
    const other = { ...asked, runImage: "x.example/tools:1" };
    expect(pinnedImages(other, await open("exact")).runImage).toBe("x.example/tools:1");
  });

  test("of a role that a build has no use for stay in the lock", async () => {
    const lock = await open("exact");
    const used = [locked("nginx:1", "nginx", { grade: "ready" })];
    const after = lockAfter(lock, used, new Set(["run", "node"]));
    expect(after).toEqual(images);
    expect(() => checkLock(lock, after)).not.toThrow();
    expect(() => checkLock(lock, lockAfter(lock, used, new Set(["node"])))).toThrow(
      /- ghcr\.io\/kubefile-ci\/tools:0\.0\.9 \(run image\)/,
    );
  });
});

test("a name that stood for two things while a build went on stands for one in its lock, that of the launch", async () => {
  const lock = await open("auto", formatLock({ images: [] }));
  const used = [locked("nginx:1", "new", { grade: "ready" }), locked("nginx:1", "old", { role: "base" })];
  const { images: after } = lockAfter(lock, [...used, ...used], new Set());
  expect(after).toEqual([used[0], locked("nginx:1", "new", { role: "base" })]);
});

describe("writing", () => {
  const changed = { images: images.images.slice(1) };
  const written = async (lock: BuildLock, isAsked = false): Promise<readonly string[]> => {
    const notes: string[] = [];
    const progress = createProgress(
      (event) => {
        if (event.type === "note") notes.push(`${event.level}: ${event.text}`);
      },
      () => 0,
    );
    await writeBuildLock(lock, changed, { progress, isAsked });
    return notes;
  };

  test("replaces the whole file, and leaves nothing beside it", async () => {
    expect(await written(await open("auto"))).toEqual(["info: deploy/kubefile.lock: 1 removed"]);
    expect(await readFile(join(directory, "kubefile.lock"), "utf8")).toBe(formatLock(changed));
    expect(await readdir(directory)).toEqual(["kubefile.lock"]);
  });

  test("is not done by builds that must not, or need not", async () => {
    for (const mode of ["exact", "off"] as const) {
      expect(await written(await open(mode))).toEqual([]);
      expect(await readFile(join(directory, "kubefile.lock"), "utf8")).toBe(formatLock(images));
    }
    expect(await written(await open("auto", formatLock(changed)))).toEqual([]);
  });

  test("where that cannot be is an error for who asked for it, and a warning for others", async () => {
    const lock = { ...(await open("auto")), file: join(directory, "gone", "kubefile.lock") };
    expect(await written(lock)).toEqual([
      expect.stringMatching(/^warning: deploy\/kubefile\.lock is out of date and cannot be written: ENOENT/),
    ]);
    await expect(written(lock, true)).rejects.toMatchObject({ code: "ENOENT" });
  });
});
