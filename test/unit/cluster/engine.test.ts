import { chmod, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { connectEngine, engineAvailable, engineEnvironment } from "../../../src/cluster/engine.ts";
import { temporaryDirectories } from "../../support/temporary-directory.ts";

const temporaryDirectory = temporaryDirectories();

async function dockerCommand(script: string): Promise<Record<string, string>> {
  const directory = await temporaryDirectory();
  const path = join(directory, "docker");
  await writeFile(path, `#!/bin/sh\n${script}\n`);
  await chmod(path, 0o755);
  return { PATH: `${directory}:/usr/bin:/bin` };
}

test("takes only what names the engine", () => {
  const taken = engineEnvironment({
    PATH: "/bin",
    HOME: "/h",
    DOCKER_HOST: "",
    DOCKER_CONFIG: "/c",
    TOKEN: "secret",
    AWS: undefined,
  });
  expect(taken).toEqual({ PATH: "/bin", HOME: "/h", DOCKER_CONFIG: "/c" });
});

test("no docker command: exit code 3 and what to install", async () => {
  const environment = { PATH: await temporaryDirectory() };
  const failure = connectEngine(environment);
  await expect(failure).rejects.toMatchObject({ code: "ENGINE_MISSING", exitCode: 3 });
  await expect(failure).rejects.toThrow("no Docker Engine answers: there is no docker command on PATH");
  await expect(failure).rejects.toMatchObject({ hint: expect.stringContaining("install Docker Engine") });
  expect(await engineAvailable(environment)).toBe(false);
});

test("no engine behind the command: its own words", async () => {
  const environment = await dockerCommand('echo "Cannot connect to the Docker daemon at unix:///x.sock." >&2; exit 1');
  await expect(connectEngine(environment)).rejects.toThrow(
    "no Docker Engine answers: Cannot connect to the Docker daemon at unix:///x.sock.",
  );
});

test("an engine that this user may not use: not what to install, but what to permit", async () => {
  const words = "permission denied while trying to connect to the Docker daemon socket at unix:///var/run/docker.sock";
  await expect(connectEngine(await dockerCommand(`echo "${words}" >&2; exit 1`))).rejects.toMatchObject({
    code: "ENGINE_MISSING",
    message: `no Docker Engine answers: ${words}`,
    hint: expect.stringContaining("usermod -aG docker"),
  });
});

test("a command that answers is an engine, and gets the given variables only", async () => {
  const environment = await dockerCommand('if [ "$1" = version ]; then echo 20.10.24; else env; fi');
  const engine = await connectEngine({ ...environment, DOCKER_HOST: "tcp://there:2375" });
  const names = (await engine.docker(["env"])).stdout
    .trim()
    .split("\n")
    .map((line) => line.split("=")[0]);
  expect(names.filter((name) => name !== "PWD" && name !== "_").sort()).toEqual(["DOCKER_HOST", "PATH"]);
});
