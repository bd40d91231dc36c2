import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { watchResource } from "../../../src/cluster/watch.ts";

test("many watches that wait for a server to come back print no warning of Node's", async () => {
  const warnings: string[] = [];
  const onWarning = ({ name }: Error): void => void warnings.push(name);
  process.on("warning", onWarning);
  const ending = new AbortController();
  const refused = async (): Promise<never> => {
    throw new Error("connect ECONNREFUSED");
  };
  const watches = Array.from({ length: 12 }, () =>
    watchResource({ list: refused, open: refused, onEvent: () => undefined, signal: ending.signal }),
  );
  await sleep(50);
  ending.abort();
  await Promise.all(watches);
  process.off("warning", onWarning);
  expect(warnings).toEqual([]);
});
