import { randomBytes } from "node:crypto";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type CommandHome, type CommandResult, commandHome } from "../../support/kubefile-command.ts";

/**
 * Mounts a disk of 1 MiB at the first argument, which nobody else sees, runs the rest as the user of the tests, and lists
 * what is on the disk then.
 */
const onSmallDisk = [
  'mount -t tmpfs -o size=1m,mode=1777 none "$0"',
  'user=${SUDO_UID:+"setpriv --reuid=$SUDO_UID --regid=$SUDO_GID --clear-groups"}',
  '$user "$@"',
  "code=$?",
  '(cd "$0" && find . -type f -size +0)',
  "exit $code",
].join("\n");
/** Only root may mount. */
const asRoot = process.getuid?.() === 0 ? [] : ["sudo", "--non-interactive", "--preserve-env"];

let home: CommandHome;
let disk: string;
let context: string;
beforeAll(async () => {
  home = await commandHome();
  disk = join(home.directory, "disk");
  context = join(home.directory, "context");
  await Promise.all([disk, context].map((directory) => mkdir(directory)));
  await writeFile(join(context, "Kubefile"), "FROM scratch\nCOPY data data\nCMD true\n");
  // Does not get smaller when it is compressed.
  await writeFile(join(context, "data"), randomBytes(2 * 1024 * 1024));
});
afterAll(() => home?.remove());

function build(flags: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<CommandResult> {
  const args = ["build", "--capture", "static", "--store", home.store, ...flags, context];
  return home.kubefile(args, { env, through: [...asRoot, "unshare", "--mount", "sh", "-c", onSmallDisk, disk] });
}

describe("a disk that is full", () => {
  test("keeps a cache from being written, by one warning, and no record without its blobs", async () => {
    const { exitCode, stdout, stderr } = await build(["--cache-to", `type=local,dest=${join(disk, "cache")}`]);
    expect(exitCode, stderr).toBe(0);
    const warnings = stderr.split("\n").filter((line) => line.includes("no space left"));
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toContain(`no space left in ${join(disk, "cache")} (free some space there, or remove records`);
    expect(listed(stdout)).toEqual(["./cache/index.json", "./cache/oci-layout"]);
  });

  test("keeps an archive from being written, by one message, and nothing of it stays", async () => {
    const archive = join(disk, "shop.tar");
    const { exitCode, stdout, stderr } = await build(["--output", `type=oci,dest=${archive}`]);
    expect(exitCode).toBe(3);
    expect(stderr).toContain(`error[DISK_SHORT]: no space left for ${archive}\n`);
    expect(listed(stdout)).toEqual([]);
  });

  test("is named where a step finds no room, not the file that it copies, and nothing stays", async () => {
    const { exitCode, stdout, stderr } = await build(["--no-cache"], { XDG_STATE_HOME: disk });
    expect(exitCode).toBe(3);
    expect(stderr).toContain(`error[DISK_SHORT]: no space left on the disk at ${disk}/kubefile/runs/`);
    expect(listed(stdout)).toEqual([]);
  });

  test("fails a command whose result it cuts short", async () => {
    const through = ["sh", "-c", 'exec "$@" > /dev/full', "sh"];
    const { exitCode, stderr } = await home.kubefile(["inspect", "--help"], { through });
    expect(exitCode).toBe(3);
    expect(stderr).toContain("error[DISK_SHORT]: no space left for the standard output\n");
  });

  test.each(["--report", "--metadata-file"])("is named when the file of %s finds no room", async (flag) => {
    // The system's own file that is always full.
    const { exitCode, stderr } = await build([flag, "/dev/full"]);
    expect(exitCode).toBe(3);
    expect(stderr).toContain("error[DISK_SHORT]: no space left for /dev/full\n");
  });
});

function listed(stdout: string): readonly string[] {
  return stdout
    .split("\n")
    .filter((line) => line.startsWith("./"))
    .sort();
}
