import { execFile } from "node:child_process";
import { chmod, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { command } from "../../support/kubefile-command.ts";
import { temporaryDirectories } from "../../support/temporary-directory.ts";

const temporaryDirectory = temporaryDirectories();
/** Root may read all, so that only as somebody else there is something to tell. */
const user = process.getuid?.() === 0 ? { uid: 65534, gid: 65534 } : {};

test("each file of the context that this user may not read is named, at the line that copies it", async () => {
  const home = await temporaryDirectory();
  const context = join(home, "context");
  await mkdir(join(context, "etc"), { recursive: true });
  await writeFile(join(context, "Kubefile"), "FROM scratch\nCOPY etc etc\nCMD ls\n");
  for (const name of ["a", "b", "c"]) await writeFile(join(context, "etc", name), name);
  await Promise.all([home, context, join(context, "etc")].map((path) => chmod(path, 0o777)));
  await Promise.all(["a", "c"].map((name) => chmod(join(context, "etc", name), 0)));
  const build = () => kubefile(["build", "--capture", "static", "context"], home);
  expect(await build()).toEqual({
    exitCode: 2,
    error: [
      'error[SOURCE_MISSING]: context/Kubefile:2:1: the file "etc/a" cannot be read: permission denied',
      '  | the file "etc/c" cannot be read: permission denied',
      "  hint: make it readable for this user, or leave it out with a line in .kubefileignore",
    ],
  });
  await chmod(join(context, "etc"), 0);
  expect(await build()).toEqual({
    exitCode: 2,
    error: [
      "error[KUBEFILE_INVALID]: context/Kubefile has 1 error",
      "  hint: `kubefile lint` checks a Kubefile without building it",
    ],
  });
});

/** What a user is told last; the lines of progress stand before it. */
async function kubefile(args: readonly string[], home: string): Promise<{ exitCode: number; error: string[] }> {
  const env = { PATH: process.env.PATH ?? "", HOME: home };
  return await new Promise((resolve) => {
    const child = execFile(process.execPath, [command, ...args], { cwd: home, env, ...user }, (_error, _out, said) => {
      const lines = said.trimEnd().split("\n");
      const error = lines.slice(lines.findIndex((line) => line.startsWith("error[")));
      resolve({ exitCode: child.exitCode ?? -1, error });
    });
  });
}
