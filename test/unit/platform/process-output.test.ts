import { expect, test } from "vitest";
import { processOutput } from "../../../src/platform/process-output.ts";

test("a terminal without a size has no width, one that gets another size has that", () => {
  const stream = { write: () => true, isTTY: true, columns: 0 };
  const output = processOutput(stream);
  expect({ isTTY: output.isTTY, columns: output.columns }).toEqual({ isTTY: true, columns: undefined });
  stream.columns = 72;
  expect(output.columns).toBe(72);
});
