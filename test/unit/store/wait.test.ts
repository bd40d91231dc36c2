import { getEventListeners, once } from "node:events";
import { describe, expect, test } from "vitest";
import { unlessAborted } from "../../../src/store/wait.ts";

describe("unlessAborted", () => {
  test("a thousand waits on one signal warn of no leak, and leave no listener", async () => {
    const warnings: Error[] = [];
    const onWarning = (warning: Error): void => void warnings.push(warning);
    process.on("warning", onWarning);
    const { signal } = new AbortController();
    let finish: (value: string) => void = () => undefined;
    const work = new Promise<string>((resolve) => {
      finish = resolve;
    });
    const waits = Array.from({ length: 1_000 }, () => unlessAborted(work, signal));
    expect(getEventListeners(signal, "abort")).toHaveLength(1_000);
    finish("done");
    expect(new Set(await Promise.all(waits))).toEqual(new Set(["done"]));
    expect(getEventListeners(signal, "abort")).toEqual([]);
    // Warnings are told a turn later; one of our own comes after all others.
    const told = once(process, "warning");
    process.emitWarning("the last one");
    await told;
    process.off("warning", onWarning);
    expect(warnings.map(({ message }) => message)).toEqual(["the last one"]);
  });

  test("an abort ends the wait, and what comes too late is released", async () => {
    const controller = new AbortController();
    let finish: (value: string) => void = () => undefined;
    const released: string[] = [];
    const work = new Promise<string>((resolve) => {
      finish = resolve;
    });
    const wait = unlessAborted(work, controller.signal, (late) => released.push(late));
    controller.abort(new Error("enough"));
    await expect(wait).rejects.toThrow("enough");
    await expect(unlessAborted(work, controller.signal)).rejects.toThrow("enough");
    finish("late");
    await work;
    expect(released).toEqual(["late"]);
  });
});
