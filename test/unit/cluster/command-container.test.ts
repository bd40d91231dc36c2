import { chmod, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { startCommandContainer } from "../../../src/cluster/command-container.ts";
import { engineFor } from "../../../src/cluster/engine.ts";
import { openRun } from "../../../src/cluster/run-state.ts";
import { ownIdentity } from "../../../src/process/process-identity.ts";
import { failureOf } from "../../support/failure.ts";
import { temporaryDirectories } from "../../support/temporary-directory.ts";

const temporaryDirectory = temporaryDirectories();

/** A client whose engine runs one command, which ends with 7, and then answers as told when asked for the container. */
async function failingCommand(
  inspected: string,
  { ends = "exit 7", timeout = 10_000, removed = ":" } = {},
): Promise<{ exitCode: number }> {
  const directory = await temporaryDirectory();
  const script = `#!/bin/sh
case "$1" in
image) echo '["PATH=/bin"]' ;;
create) echo 0123456789ab ;;
exec) cat > /dev/null; [ ! -e ${directory}/ready ] || ${ends}; : > ${directory}/ready ;;
inspect) ${inspected} ;;
rm) ${removed} ;;
esac
`;
  await writeFile(join(directory, "docker"), script);
  await chmod(join(directory, "docker"), 0o755);
  const signal = new AbortController().signal;
  const stateDirectory = join(directory, "runs");
  await using container = await startCommandContainer({
    engine: engineFor({ PATH: `${directory}:/usr/bin:/bin` }),
    run: await openRun({ stateDirectory, runId: "0123456789", owner: await ownIdentity() }),
    ...{ image: "tools:1", network: { kind: "open" }, path: "full", signal },
  });
  return await container.exec("kubectl apply -f a.yaml", { signal, timeout });
}

test("an exit code is the command's when its container lives on", async () => {
  expect(await failingCommand("echo true")).toMatchObject({ exitCode: 7 });
});

test.each([
  ["echo false", "its container has ended"],
  [
    'echo "Cannot connect to the Docker daemon at unix:///x.sock." >&2; exit 1',
    "Cannot connect to the Docker daemon at unix:///x.sock.",
  ],
])("an engine that goes away is not the command's fault: %s", async (inspected, why) => {
  expect(await failureOf(failingCommand(inspected))).toBe(`COMMAND_FAILED: the engine cut the command off: ${why}`);
});

test("a command that is out of time is told of, although its container cannot be removed", async () => {
  const removed = 'echo "Cannot connect to the Docker daemon" >&2; kill -9 $$';
  const failing = failingCommand("echo true", { ends: "exec sleep 60", timeout: 500, removed });
  expect(await failureOf(failing)).toBe('COMMAND_TIMEOUT: "kubectl apply -f a.yaml" did not end within 1 s');
});
