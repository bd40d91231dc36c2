import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { engineFor } from "../../../src/cluster/engine.ts";
import { localImageDigest } from "../../../src/cluster/image-presence.ts";
import type { BuildReport } from "../../../src/image/report.ts";
import { parseLock } from "../../../src/lock/read-lock.ts";
import type { Lock } from "../../../src/lock/types.ts";
import { docker } from "../../support/docker.ts";
import { buildImage, buildLayer } from "../../support/image-builder.ts";
import { uploadImage } from "../../support/image-upload.ts";
import { type CommandHome, type CommandResult, commandHome } from "../../support/kubefile-command.ts";
import { startTinyApp, type TinyApp, tinyImage } from "../cleanup/tiny-app.ts";

let home: CommandHome;
let app: TinyApp;
beforeAll(async () => {
  home = await commandHome();
  app = await startTinyApp(home.directory);
});
afterAll(async () => {
  await app?.stop();
  await home?.remove();
});

/** Builds with a store of its own, so that nothing of another build is at hand. */
async function build(
  name: string,
  ...flags: readonly string[]
): Promise<{ result: CommandResult; report: BuildReport }> {
  const file = join(home.directory, `${name}.json`);
  const own = ["--store", join(home.directory, name), "--report", file, "--quiet-window", "2s"];
  const result = await home.kubefile(["build", ...own, ...app.mirror, ...flags, app.context]);
  return { result, report: JSON.parse(await readFile(file, "utf8")) };
}

async function lock(): Promise<Lock> {
  return parseLock(await readFile(join(app.context, "kubefile.lock"), "utf8"), "kubefile.lock");
}

/** Lets the tag of the application's image stand for one that cannot run. */
async function moveTag(): Promise<void> {
  const layer = await buildLayer([{ path: "nothing", content: "to run" }]);
  const image = buildImage({ format: "oci", layers: [layer], entrypoint: ["/nothing"] });
  await uploadImage(app.registry, "tiny/app", "1", image);
}

describe("a rehearsal with a lock", () => {
  test("has nodes pull what the tag stood for, though the registry has moved it to what cannot run", async () => {
    const first = await build("first", "--lock");
    expect(first.result).toMatchObject({ exitCode: 0 });
    const digest = first.report.images[0]?.digest;
    const captured = { reference: tinyImage, digest, role: "captured", grade: "ready" };
    expect((await lock()).images.filter(({ role }) => role === "captured")).toEqual([captured]);
    await moveTag();
    const again = await build("again", "--locked");
    expect(again.result).toMatchObject({ exitCode: 0 });
    expect(again.report.images.map((image) => image.digest)).toEqual([digest]);
    expect(again.report.digest).toBe(first.report.digest);
  });

  test("names the images of the engine that no registry's digest is known of, rather than leaving them out silently", async () => {
    const known = await Promise.all(
      ["kindest/node:v1.34.4", "ghcr.io/kubefile-ci/tools:0.1.0"].map(async (image) => {
        const engine = engineFor({ PATH: process.env.PATH ?? "" });
        return { image, isKnown: (await localImageDigest(engine, image)) !== undefined };
      }),
    );
    const locked = (await lock()).images.flatMap(({ role }) => (role === "captured" ? [] : [role]));
    expect(locked).toHaveLength(known.filter(({ isKnown }) => isKnown).length);
    const { warnings } = JSON.parse(await readFile(join(home.directory, "first.json"), "utf8"));
    for (const { image, isKnown } of known) {
      expect(warnings.some((text: string) => text.startsWith(`the lock does not hold ${image}: `))).toBe(!isKnown);
    }
  });
});

test("the engine knows the digest of what it pulled, by the name of its repository", async () => {
  const { host } = app.registry;
  const engine = engineFor({ PATH: process.env.PATH ?? "", HOME: home.directory });
  const name = `${host}/tiny/stranger:1`;
  await docker("pull", "--quiet", name);
  try {
    const digest = await localImageDigest(engine, name);
    expect(digest).toMatch(/^sha256:/);
    expect(await localImageDigest(engine, `${host}/tiny/stranger@${digest}`)).toBe(digest);
    await docker("tag", name, `${host}/tiny/other:1`);
    expect(await localImageDigest(engine, `${host}/tiny/other:1`)).toBeUndefined();
  } finally {
    await docker("rmi", "--force", name, `${host}/tiny/other:1`);
  }
});
