import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
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
