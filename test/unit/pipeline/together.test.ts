import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { together } from "../../../src/pipeline/together.ts";

const never = new AbortController().signal;

describe("together", () => {
  it("returns both results", async () => {
    expect(
      await together(
        never,
        async () => 1,
        async () => "two",
      ),
    ).toEqual([1, "two"]);
  });

  it("aborts the other, waits for its cleanup, and throws the first failure", async () => {
    let cleaned = false;
    const failing = together(
      never,
      async () => {
        throw new Error("first");
      },
      async (signal) => {
        try {
          await sleep(60_000, undefined, { signal });
        } finally {
          await sleep(20);
          cleaned = true;
        }
      },
    );
    await expect(failing).rejects.toThrow("first");
    expect(cleaned).toBe(true);
  });

  it("disposes of what the other had made already", async () => {
    const disposed: string[] = [];
    const failing = together(
      never,
      async () => ({
        async [Symbol.asyncDispose]() {
          disposed.push("the server");
        },
      }),
      async () => {
        await sleep(20);
        throw new Error("second");
      },
    );
    await expect(failing).rejects.toThrow("second");
    expect(disposed).toEqual(["the server"]);
  });

  it("passes the caller's abort on to both", async () => {
    const controller = new AbortController();
    const seen: boolean[] = [];
    const work = async (signal: AbortSignal): Promise<void> => {
      await sleep(60_000, undefined, { signal }).catch(() => undefined);
      seen.push(signal.aborted);
      throw signal.reason;
    };
    const running = together(controller.signal, work, work);
    controller.abort(new Error("cancelled"));
    await expect(running).rejects.toThrow("cancelled");
    expect(seen).toEqual([true, true]);
  });
});
