import { execFile } from "node:child_process";
import { mkdir, readdir, readFile, symlink, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { temporaryDirectories } from "../../support/temporary-directory.ts";

const run = promisify(execFile);
const temporaryDirectory = temporaryDirectories();
const repository = resolve(import.meta.dirname, "../../..");

/** Unpacks what `npm publish` would send; its dependencies are those of this checkout. */
async function installPacked(directory: string): Promise<string> {
  const { stdout } = await run("npm", ["pack", "--ignore-scripts", "--json", "--pack-destination", directory], {
    cwd: repository,
  });
  const [packed]: { filename: string }[] = JSON.parse(stdout);
  await run("tar", ["--extract", "--file", join(directory, packed?.filename ?? ""), "--directory", directory]);
  const root = join(directory, "package");
  await symlink(join(repository, "node_modules"), join(root, "node_modules"));
  return root;
}

test("the packed command works away from its checkout", async () => {
  const directory = await temporaryDirectory();
  const root = await installPacked(directory);
  const context = join(directory, "context");
  await mkdir(join(context, "manifests"), { recursive: true });
  await writeFile(
    join(context, "manifests", "settings.yaml"),
    "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n",
  );
  await writeFile(join(context, "Kubefile"), "FROM scratch\nCOPY manifests .\nCMD kubectl apply -f manifests/\n");
  const kubefile = async (...args: readonly string[]): Promise<string> => {
    const env = { HOME: directory, PATH: process.env.PATH ?? "" };
    return (await run(join(root, "bin", "kubefile"), args, { cwd: directory, env })).stdout;
  };

  expect(await kubefile("--help")).toContain("Exit codes:");
  expect(await kubefile("lint", "context")).toBe("context/Kubefile: no problems\n");
  await kubefile("build", "--capture", "static", "-t", "shop:1", "--report", "report.json", "context");
  expect(JSON.parse(await readFile(join(directory, "report.json"), "utf8"))).toMatchObject({ grade: "static" });
  expect(JSON.parse(await kubefile("inspect", "--format", "json", "shop:1"))).toMatchObject({
    config: { launch: { commands: [{ command: "kubectl apply -f manifests/", source: "Kubefile:3" }] } },
  });
});

test("the package holds the command, its schemas and its documentation, and no sources or tests", async () => {
  const directory = await temporaryDirectory();
  const root = await installPacked(directory);
  const names = await readdir(root);
  expect(names).toEqual(
    expect.arrayContaining(["LICENSE", "README.md", "bin", "docs", "lib", "package.json", "schemas"]),
  );
  expect(names).not.toEqual(expect.arrayContaining(["src"]));
  expect(names).not.toEqual(expect.arrayContaining(["test"]));
  const built = await readdir(join(root, "lib"), { recursive: true });
  expect(built.filter((file) => /\.(?:ts|map)$/.test(file))).toEqual([]);
});
