import { execFileSync } from "node:child_process";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { programFromInput, shellProgram } from "../../../src/cluster/shell-program.ts";

/** What the command prints when the program is sent to a shell, as it is sent to a container's. */
function runProgram(command: string, env: Readonly<Record<string, string>>, shell: readonly string[] = ["sh"]): string {
  const input = shellProgram(command, env);
  const ambient = { PATH: process.env.PATH ?? "", KEPT: "yes" };
  const [program = "sh", ...words] = shell;
  return execFileSync(program, [...words, "-c", programFromInput], { input, env: ambient, encoding: "utf8" });
}

describe("a command and its variables as a program", () => {
  test.each<[string, string]>([
    ["plain", "value"],
    ["empty", ""],
    ["quotes", `a'b"c\`d$(id)\${HOME}\\`],
    ["lines", "one\n\ntwo\n"],
    ["a list of words", "a  b\tc; exit 3"],
    ["not ASCII", "Zürich ✓"],
  ])("passes a value through unchanged: %s", (_case, value) => {
    expect(runProgram('printf %s "$VALUE"', { VALUE: value })).toBe(value);
  });

  test("passes any value through unchanged", () => {
    const text = fc.string({ unit: "binary" }).filter((value) => !value.includes("\0"));
    fc.assert(
      fc.property(text, (value) => {
        const sent = Buffer.from(value).toString();
        expect(runProgram('printf %s "$VALUE"', { VALUE: value })).toBe(sent);
      }),
      { numRuns: 50 },
    );
  });

  test.each([
    ["names that no shell can set", "my.var", "-u", "0"],
    ["names that a shell keeps for itself", "UID", "PPID", "SHELLOPTS"],
  ])("does not stumble over %s", (_case, ...names) => {
    const env = { ...Object.fromEntries(names.map((name) => [name, "1"])), LAST: "here" };
    for (const shell of [["sh"], ["bash", "--norc", "--posix"], ["busybox", "sh"]]) {
      expect(runProgram('printf %s "$LAST"', env, shell)).toBe("here");
    }
  });

  test("keeps what the container sets, and lets a command read nothing of the program", () => {
    expect(runProgram("echo $KEPT; cat; echo end", {})).toBe("yes\nend\n");
  });

  test("ends with the command's exit code", () => {
    expect(() => runProgram("exit 7", { A: "1" })).toThrow(expect.objectContaining({ status: 7 }));
  });

  test("finds the shell by the PATH it sets", () => {
    expect(runProgram("echo $PATH", { PATH: "/usr/bin:/bin:/nowhere" })).toBe("/usr/bin:/bin:/nowhere\n");
  });
});
