import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { extract, pack } from "tar-stream";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startCommandContainer } from "../../../src/cluster/command-container.ts";
import { connectEngine, type Engine, engineEnvironment } from "../../../src/cluster/engine.ts";
import { removeRun } from "../../../src/cluster/run-removal.ts";
import { openRun, type Run } from "../../../src/cluster/run-state.ts";
import type { CommandContainer } from "../../../src/cluster/types.ts";
import { ownerProcess, randomRunId, temporaryDirectory, toolsImage } from "./machine.ts";

const runId = randomRunId();
const signal = AbortSignal.timeout(300_000);
const secret = "canary-7f3a91c2";

let engine: Engine;
let home: Awaited<ReturnType<typeof temporaryDirectory>>;
let owner: Awaited<ReturnType<typeof ownerProcess>>;
let run: Run;
let container: CommandContainer;

// A runner with a secret wherever runners have them: environment, home, docker config, working files.
beforeAll(async () => {
  home = await temporaryDirectory();
  await mkdir(join(home.path, ".docker"));
  const auths = { "registry.example": { auth: Buffer.from(`robot:${secret}`).toString("base64"), note: secret } };
  await writeFile(join(home.path, ".docker/config.json"), JSON.stringify({ auths }));
  await writeFile(join(home.path, "token"), secret);
  engine = await connectEngine(engineEnvironment({ PATH: process.env.PATH, HOME: home.path, CI_TOKEN: secret }));
  owner = await ownerProcess();
  run = await openRun({ stateDirectory: join(home.path, "state"), runId, owner: owner.identity });
  container = await startCommandContainer({
    engine,
    run,
    image: toolsImage,
    network: { kind: "open" },
    path: "full",
    signal,
  });
});

afterAll(async () => {
  await removeRun(runId, { engine, stateDirectory: join(home.path, "state") });
  await owner.kill();
  await home.remove();
});

async function exec(command: string, options: { env?: Record<string, string>; directory?: string } = {}) {
  return await container.exec(command, { ...options, signal, timeout: 60_000 });
}

async function copyIn(files: Readonly<Record<string, string>>): Promise<void> {
  const tar = pack();
  for (const [name, content] of Object.entries(files)) tar.entry({ name, mode: 0o755 }, content);
  tar.finalize();
  await container.copyIn(Readable.from(tar), { signal });
}

async function copyOut(): Promise<Map<string, string>> {
  const files = new Map<string, string>();
  const reader = extract();
  reader.on("entry", (header, stream, next) => {
    let content = "";
    stream.on("data", (chunk) => {
      content += String(chunk);
    });
    stream.on("end", () => {
      if (header.type === "file") files.set(header.name, content);
      next();
    });
  });
  await container.copyOut((tar) => pipeline(tar, reader), { signal });
  return files;
}

describe("what commands can reach", () => {
  test("the rootfs goes in, is changed, and comes out", async () => {
    await copyIn({ "bin/greet": "#!/bin/sh\necho hello $NAME from $(pwd)\n", "etc/old": "old\n" });
    expect(await exec("greet > etc/new && rm etc/old", { env: { NAME: "you" } })).toEqual({ exitCode: 0, output: "" });
    expect([...(await copyOut())].filter(([name]) => name.includes("etc"))).toEqual([
      ["./etc/new", "hello you from /rootfs\n"],
    ]);
    expect(await exec("pwd", { directory: "etc" })).toEqual({ exitCode: 0, output: "/rootfs/etc\n" });
  });

  test("PATH starts with the rootfs's bin and goes on with the image's tools", async () => {
    expect((await exec("command -v greet kubectl helm jq >/dev/null && echo $PATH")).output).toMatch(
      /^\/rootfs\/bin:\/usr/,
    );
  });

  test("no secret of the runner is in the environment, a process, a mount or a file", async () => {
    const search = `grep -rsl '${secret.slice(0, 6)}[-]7f3a' / --exclude-dir=proc --exclude-dir=sys`;
    const places = [
      "env",
      "cat /proc/*/environ | tr '\\0' '\\n'",
      "cat /proc/self/mountinfo",
      "ls -a $HOME /root",
      search,
    ];
    const { output } = await exec(`{ ${places.join("; ")}; } 2>/dev/null`);
    expect(output).toContain("HOME=");
    expect(output).toContain(" / / rw");
    expect(output).not.toContain(secret);
    expect(output).not.toContain(home.path);
    // The search finds what is there to be found.
    await copyIn({ "etc/planted": secret });
    expect((await exec(`${search}; rm etc/planted`)).output).toBe("/rootfs/etc/planted\n");
  });

  test("no engine socket, no host processes, no device, few capabilities", async () => {
    const { output } = await exec(
      "find / -xdev -type s 2>/dev/null; ls /var/run/docker.sock /run/docker.sock 2>/dev/null; busybox mount -t tmpfs none /tmp 2>&1; busybox mknod /tmp/d b 8 0 2>&1; ls /dev/[sv]d* 2>&1",
    );
    expect(output).not.toContain("docker.sock");
    expect(output.match(/permitted|denied|No such file/g)).toHaveLength(3);
    const status = (await exec("grep -E 'Cap(Eff|Bnd)|NoNewPrivs' /proc/self/status")).output;
    // CHOWN, DAC_OVERRIDE, FOWNER, FSETID, KILL, SETGID, SETUID
    expect(status).toContain("CapBnd:\t00000000000000fb");
    expect(status).toContain("NoNewPrivs:\t1");
    expect((await exec("ls /proc | grep -c '^[0-9]*$'")).output.trim().length).toBeLessThan(3);
  });

  test("a failing command gives its exit code and both streams, line by line", async () => {
    const lines: string[] = [];
    const result = await container.exec("echo out; echo err >&2; exit 7", {
      signal,
      timeout: 60_000,
      onLine: (line, stream) => lines.push(`${stream} ${line}`),
    });
    expect(result.exitCode).toBe(7);
    expect(lines.sort()).toEqual(["stderr err", "stdout out"]);
  });
});

describe("an end before the end", () => {
  const containersOfRun = async (): Promise<string> =>
    (await engine.docker(["ps", "--all", "--quiet", "--filter", `label=kubefile.run=${runId}`])).stdout.trim();

  test.each([
    ["a timeout", () => ({ timeout: 1_500, signal }), "COMMAND_TIMEOUT"],
    ["an abort", () => ({ timeout: 60_000, signal: AbortSignal.timeout(1_500) }), "CANCELLED"],
  ])("%s takes the container and all its processes with it", async (_case, ends, code) => {
    const before = await containersOfRun();
    const other = await startCommandContainer({
      engine,
      run,
      image: toolsImage,
      network: { kind: "open" },
      path: "full",
      signal,
    });
    expect((await containersOfRun()).split("\n")).toHaveLength(2);
    await expect(other.exec("nohup sleep 300 & sleep 300", ends())).rejects.toMatchObject({ code });
    expect(await containersOfRun()).toBe(before);
  });

  test("disposal removes the container", async () => {
    const before = await containersOfRun();
    {
      await using other = await startCommandContainer({
        engine,
        run,
        image: toolsImage,
        network: { kind: "open" },
        path: "minimum",
        signal,
      });
      expect((await other.exec("sort </dev/null && awk 'BEGIN { print 1 }'", { signal, timeout: 60_000 })).output).toBe(
        "1\n",
      );
    }
    expect(await containersOfRun()).toBe(before);
  });

  test("an image that is nowhere is exit code 3, naming it", async () => {
    const failure = startCommandContainer({
      engine,
      run,
      image: "localhost:1/none:1",
      network: { kind: "open" },
      path: "full",
      signal,
    });
    await expect(failure).rejects.toMatchObject({ code: "RUN_IMAGE_MISSING", exitCode: 3 });
    await expect(failure).rejects.toThrow("localhost:1/none:1");
  });
});
