import { describe, expect, it } from "vitest";
import { createTransferMeter } from "../../../src/pipeline/transfer-meter.ts";

const MEBIBYTE = 1024 * 1024;

/** Texts of a transfer of 100 MiB, as told at these seconds with so many MiB sent. */
function texts(...samples: readonly (readonly [seconds: number, sent: number])[]): string[] {
  let now = 0;
  const meter = createTransferMeter(() => now);
  return samples.map(([seconds, sent]) => {
    now = seconds * 1_000;
    return meter(sent * MEBIBYTE, 100 * MEBIBYTE);
  });
}

describe("createTransferMeter", () => {
  it("says how much, how fast, and how long it takes", () => {
    expect(texts([0, 0], [0.5, 8], [1, 10], [2, 20])).toEqual([
      "0 B of 100 MiB",
      "8.0 MiB of 100 MiB",
      "10.0 MiB of 100 MiB, 10.0 MiB/s, 9 s left",
      "20.0 MiB of 100 MiB, 10.0 MiB/s, 8 s left",
    ]);
  });

  it("has no time left to tell when all is sent", () => {
    expect(texts([0, 0], [10, 100]).at(-1)).toBe("100 MiB of 100 MiB, 10.0 MiB/s");
  });

  it("says minutes of long times", () => {
    expect(texts([0, 0], [10, 10]).at(-1)).toBe("10.0 MiB of 100 MiB, 1.0 MiB/s, 1 min 30 s left");
  });

  it("looks at the last seconds alone", () => {
    const fast = [0, 1, 2, 3, 4].map((second) => [second, second * 10] as const);
    const slow = Array.from({ length: 14 }, (_, position) => [5 + position, 40 + position + 1] as const);
    expect(texts(...fast, ...slow).at(-1)).toBe("54.0 MiB of 100 MiB, 1.0 MiB/s, 46 s left");
  });

  it("says that nothing moves", () => {
    expect(texts([0, 0], [5, 50], [16, 50], [27, 50]).at(-1)).toBe("50.0 MiB of 100 MiB, stalled");
  });

  it("measures anew when an upload begins again", () => {
    expect(texts([0, 0], [5, 50], [6, 20], [8, 30])).toEqual([
      "0 B of 100 MiB",
      "50.0 MiB of 100 MiB, 10.0 MiB/s, 5 s left",
      "20.0 MiB of 100 MiB",
      "30.0 MiB of 100 MiB, 5.0 MiB/s, 14 s left",
    ]);
  });
});
