import { describe, expect, test } from "vitest";
import { KubefileError } from "../../../src/error.ts";
import { printError } from "../../../src/platform/print-error.ts";

function printed(error: unknown, color = false): { exitCode: number; text: string } {
  let text = "";
  const output = {
    write: (part: string) => {
      text += part;
    },
  };
  const exitCode = printError(error, output, color);
  return { exitCode, text };
}

describe("an error", () => {
  test("has code, place, message, and the next step below", () => {
    const error = new KubefileError("LAUNCH_FAILED", 'launch command "make" ended with exit code 2:\nno rule\nstop', {
      hint: "look here\nor there",
      where: { file: "Kubefile", line: 12, column: 6 },
    });
    expect(printed(error)).toEqual({
      exitCode: 1,
      text: [
        'error[LAUNCH_FAILED]: Kubefile:12:6: launch command "make" ended with exit code 2:',
        "  | no rule",
        "  | stop",
        "  hint: look here",
        "        or there",
        "",
      ].join("\n"),
    });
  });

  test("is red only where colours are welcome", () => {
    const error = new KubefileError("USAGE", "no", { hint: "yes" });
    expect(printed(error, true).text).toBe("\u001b[31merror[USAGE]\u001b[0m: no\n  \u001b[36mhint:\u001b[0m yes\n");
    expect(printed(error).text).toBe("error[USAGE]: no\n  hint: yes\n");
  });

  test("cannot steer the terminal or a CI system with what it quotes", () => {
    const error = new KubefileError(
      "RUN_FAILED",
      "RUN make ended with exit code 2:\n::add-mask::x\n\u001b[2Jgone\r::error::y",
      { where: { file: "a\u009b\n::error::\u001b[2J", line: 1 } },
    );
    expect(printed(error).text.split("\n")).toEqual([
      "error[RUN_FAILED]: a\ufffd\ufffd::error:::1: RUN make ended with exit code 2:",
      "  | ::add-mask::x",
      "  | gone�::error::y",
      "",
    ]);
  });

  test("that is a cancellation is no error to look at", () => {
    expect(printed(new KubefileError("CANCELLED", "cancelled by SIGINT"), true)).toEqual({
      exitCode: 130,
      text: "cancelled by SIGINT\n",
    });
  });

  test("that is none of ours says so, with the place in the code", () => {
    const { exitCode, text } = printed(new TypeError("x is not a function"));
    expect(exitCode).toBe(1);
    expect(text).toMatch(
      /^error\[INTERNAL\]: x is not a function\n(?: {4}at .+\n){1,6} {2}hint: this is a defect of kubefile: please report it with the lines above\n$/,
    );
    expect(printed("a string").text).toContain("error[INTERNAL]: a string\n  hint: this is a defect");
  });
});
