import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { run } from "../../../src/process/run.ts";

test("output is kept for a reader that begins only when the program has ended", async () => {
  let read = "";
  await run(process.execPath, ["-e", "process.stdout.write('x'.repeat(5000))"], {
    timeout: 10_000,
    output: async (stdout) => {
      await sleep(500);
      for await (const chunk of stdout) read += String(chunk);
    },
  });
  expect(read).toHaveLength(5000);
});

describe("a program that leaves another one behind, in a session of its own, which holds its output", () => {
  const sleeper = '{ detached: true, stdio: ["ignore", "inherit", "inherit"] }';
  const leave = `const left = require("node:child_process").spawn("sleep", ["30"], ${sleeper});
    left.unref(); process.stdout.write(left.pid + "\\n")`;
  const output = (lines: string[]) => ({ timeout: 25_000, onLine: (line: string) => void lines.push(line) });
  const endLeft = ([pid]: readonly string[]): boolean => process.kill(Number(pid), "SIGKILL");

  test("does not keep an abort waiting", async () => {
    const lines: string[] = [];
    const ending = new AbortController();
    const running = run(process.execPath, ["-e", `${leave}; setTimeout(() => {}, 30_000)`], {
      ...output(lines),
      signal: ending.signal,
    });
    await expect.poll(() => lines).toHaveLength(1);
    ending.abort();
    await expect(running).rejects.toMatchObject({ code: "CANCELLED" });
    // It was still there: nobody waited for its end.
    expect(endLeft(lines)).toBe(true);
  });

  test("is not waited for when what it leaves is to end with it", async () => {
    const lines: string[] = [];
    const { exitCode } = await run(process.execPath, ["-e", leave], { ...output(lines), endsChildren: true });
    expect(exitCode).toBe(0);
    expect(endLeft(lines)).toBe(true);
  });
});

test("what a program leaves in its group may write its last lines, and ends then", async () => {
  const begin = performance.now();
  const { stdout } = await run("sh", ["-c", "(sleep 0.3; echo last; sleep 30) & echo first"], {
    timeout: 25_000,
    endsChildren: true,
  });
  expect(stdout).toBe("first\nlast\n");
  expect(performance.now() - begin).toBeLessThan(15_000);
});
