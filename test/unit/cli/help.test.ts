import type { Command } from "commander";
import { describe, expect, test } from "vitest";
import { createProgram } from "../../../src/cli/main.ts";
import { commandContext, kubefile } from "./command.ts";

const program = createProgram(commandContext({ cwd: "/" }), () => undefined);
const isListed = (command: Command): boolean => program.createHelp().visibleCommands(program).includes(command);
const verbs = program.commands.filter(isListed);
/** With the verbs of a verb: `cache ls`. */
const all = verbs.flatMap((verb) => [verb, ...verb.commands]);
const nameOf = (verb: Command): string =>
  verb.parent === null || verb.parent === program ? verb.name() : `${verb.parent.name()} ${verb.name()}`;

test("lists every verb but the one that is not for people", () => {
  expect(verbs.map((verb) => verb.name())).toEqual([
    ...["build", "push", "tag", "index", "verify", "preview", "run", "lint", "lock"],
    ...["images", "inspect", "diff", "cache", "clean", "note", "promote", "release"],
  ]);
  expect(program.commands.map((verb) => verb.name())).toContain("serve");
});

describe.each(all.map((verb) => [nameOf(verb), verb] as const))("kubefile %s --help", (name, verb) => {
  test("shows examples that its own parser takes", async () => {
    const { exitCode, stdout, stderr } = await kubefile([...name.split(" "), "--help"], { cwd: "/" });
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
    const examples = stdout.slice(stdout.indexOf("\nExamples:\n")).match(/^ {2}kubefile .*$/gm) ?? [];
    expect(examples.length).toBeGreaterThan(0);
    for (const example of examples) {
      const [line = ""] = example.trim().split(/ {3,}| \| /);
      const [, ...all] = line.split(" ");
      const { parser, words } = parserOf(
        createProgram(commandContext({ cwd: "/" }), () => undefined),
        all,
      );
      expect(parser, line).toBeDefined();
      parser?.action(() => undefined);
      await expect(parser?.parseAsync(words.map(unquoted), { from: "user" }), line).resolves.toBeDefined();
    }
  });

  test("says of every flag what it does, in lower case and without a full stop", () => {
    for (const { flags, description } of verb.options) {
      expect(description, flags).toMatch(/^[a-z`].*[^.]$/);
    }
  });
});

test("a flag that turns off what is on by default says what that does, and no default", () => {
  const off = all
    .flatMap(({ options }) => options)
    .filter(({ long }) => ["--no-files", "--no-default-cni"].includes(long ?? ""));
  expect(off.length).toBeGreaterThan(1);
  for (const { description } of off) expect(description).toMatch(/^(?:leave|make)[^()]*$/);
});

test("--version prints the version, and no verb at all prints help as an error", async () => {
  expect(await kubefile(["--version"], { cwd: "/" })).toMatchObject({
    exitCode: 0,
    stdout: expect.stringMatching(/^\d+\.\d+\.\d+\S*\n$/),
  });
  expect(await kubefile([], { cwd: "/" })).toMatchObject({
    exitCode: 2,
    stdout: "",
    stderr: expect.stringContaining("Usage: kubefile"),
  });
});

/** The innermost verb that words name, and the words after it. */
function parserOf(command: Command, words: readonly string[]): { parser: Command | undefined; words: string[] } {
  const [first, ...rest] = words;
  const inner = command.commands.find((each) => each.name() === first);
  if (inner !== undefined) return parserOf(inner, rest);
  return { parser: command.parent === null ? undefined : command, words: [...words] };
}

function unquoted(word: string): string {
  return word.replace(/^'(.*)'$/, "$1");
}
