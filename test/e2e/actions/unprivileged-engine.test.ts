import { chmod, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { commandHome, leftovers } from "../../support/kubefile-command.ts";
import { writeContext } from "../shop/context.ts";

test("an engine that starts no privileged containers is what the machine lacks: exit code 3, and nothing is left", async () => {
  const home = await commandHome();
  onTestFinished(() => home.remove());
  const context = await writeContext(join(home.directory, "app"), { Kubefile: "FROM scratch\nCMD kubectl version\n" });
  const bin = join(home.directory, "bin");
  await mkdir(bin);
  // What kind asks of the engine goes through this command; the words are those of an engine with user namespaces.
  const refusing = [
    "#!/bin/sh",
    'case " $* " in *" --privileged "*)',
    "  echo 'docker: Error response from daemon: privileged mode is incompatible with user namespaces.' >&2",
    "  exit 125 ;;",
    "esac",
    `PATH=\${PATH#*:} exec docker "$@"`,
    "",
  ].join("\n");
  await writeFile(join(bin, "docker"), refusing);
  await chmod(join(bin, "docker"), 0o755);
  const result = await home.kubefile(["build", "--store", home.store, context], {
    env: { PATH: `${bin}:${home.environment.PATH}` },
  });
  expect(result.exitCode).toBe(3);
  expect(result.stderr).toMatch(
    /error\[ENGINE_MISSING\]: the Docker Engine starts no privileged containers.*user namespaces/,
  );
  expect(result.stderr).toContain("`kubefile build --capture static` needs none");
  expect(await leftovers(home, result.runIds)).toEqual([]);
});
