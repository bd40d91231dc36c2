import { execFile } from "node:child_process";
import { cp, mkdir, readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { BuildReport } from "../../../src/image/report.ts";
import { type DockerRegistry, startDockerRegistry } from "../../support/docker-registry.ts";
import { command, commandHome } from "../../support/kubefile-command.ts";
import { fetchManifest } from "../../support/registry-walk.ts";
import { type Internet, startInternet } from "../../support/shop/internet.ts";

const run = promisify(execFile);
const shop = fileURLToPath(new URL("../../../examples/shop", import.meta.url));
const BUILD_TIMEOUT = 400_000;

interface Circumstances {
  readonly node: string;
  readonly umask: string;
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  readonly context: string;
}

let internet: Internet;
let destination: DockerRegistry;
beforeAll(async () => {
  [internet, destination] = await Promise.all([
    startInternet({ nodeImage: "kindest/node:v1.34.4" }),
    startDockerRegistry(),
  ]);
});
afterAll(async () => {
  await Promise.all([destination?.stop(), internet?.stop()]);
});

/** Builds and pushes with an empty store and a new cluster; the circumstances know the home that the build gets. */
async function build(
  name: string,
  circumstances: (home: string) => Circumstances | Promise<Circumstances>,
): Promise<{ report: BuildReport; manifest: string }> {
  const home = await commandHome();
  try {
    const { node, umask, env, cwd, context } = await circumstances(home.directory);
    const report = join(home.directory, "report.json");
    const mirrors = Object.entries(internet.mirrors).flatMap(([host, url]) => ["--mirror", `${host}=${url}`]);
    const tag = ["--tag", `${destination.host}/${name}:1`, "--push", "--report", report];
    const flags = [...mirrors, ...tag, "--store", home.store, "--quiet-window", "3s"];
    const shell = ["-c", 'umask "$0"; exec "$@"', umask, node, command, "build", ...flags, context];
    await run("sh", shell, { cwd, env: { ...home.environment, ...env }, timeout: BUILD_TIMEOUT });
    const { bytes } = await fetchManifest(destination, name, "1");
    return { report: JSON.parse(await readFile(report, "utf8")), manifest: bytes.toString() };
  } finally {
    await home.remove();
  }
}

/** Copies a directory's entries in the reverse order of their names, which some file systems list as they came. */
async function copyReversed(from: string, to: string): Promise<void> {
  await mkdir(to, { recursive: true });
  const entries = await readdir(from, { withFileTypes: true });
  for (const entry of entries.toSorted((one, other) => (one.name < other.name ? 1 : -1))) {
    const [source, target] = [join(from, entry.name), join(to, entry.name)];
    await (entry.isDirectory() ? copyReversed(source, target) : cp(source, target));
  }
}

describe("two builds of the shop, each with an empty store and a new cluster", () => {
  test("give one cluster image, whatever differs around them", async () => {
    const one = await build("one", () => ({
      node: process.execPath,
      umask: "022",
      env: { TZ: "UTC", LANG: "C" },
      cwd: "/",
      context: shop,
    }));
    const { stdout } = await run(fileURLToPath(new URL("../../setup/node24", import.meta.url)));
    const other = await build("other", async (home) => {
      await copyReversed(shop, join(home, "other place", "Läden"));
      return {
        node: stdout.trim(),
        umask: "077",
        env: { TZ: "Pacific/Kiritimati", LANG: "tr_TR.UTF-8", LC_ALL: "tr_TR.UTF-8" },
        cwd: join(home, "other place"),
        context: "Läden",
      };
    });
    expect(other.manifest).toBe(one.manifest);
    expect(other.report.digest).toBe(one.report.digest);
    expect(one.report.grade).toBe("ready");
    expect(one.report.images).toHaveLength(12);
  });
});
