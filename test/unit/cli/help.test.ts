import type { Command } from "commander";
import { describe, expect, test } from "vitest";
import { createProgram } from "../../../src/cli/main.ts";
import { commandContext, kubefile } from "./command.ts";

const program = createProgram(commandContext({ cwd: "/" }), () => undefined);
const isListed = (command: Command): boolean => program.createHelp().visibleCommands(program).includes(command);
const verbs = program.commands.filter(isListed);

test("lists every verb but the one that is not for people", () => {
  expect(verbs.map((verb) => verb.name())).toEqual([
    ...["build", "push", "tag", "verify", "preview", "run", "lint", "lock"],
    ...["images", "inspect", "diff", "clean", "note", "promote", "release"],
  ]);
  expect(program.commands.map((verb) => verb.name())).toContain("serve");
});

describe.each(verbs.map((verb) => [verb.name(), verb] as const))("kubefile %s --help", (name, verb) => {
  test("shows examples that its own parser takes", async () => {
    const { exitCode, stdout, stderr } = await kubefile([name, "--help"], { cwd: "/" });
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
    const examples = stdout.slice(stdout.indexOf("\nExamples:\n")).match(/^ {2}kubefile .*$/gm) ?? [];
    expect(examples.length).toBeGreaterThan(0);
    for (const example of examples) {
      const [line = ""] = example.trim().split(/ {3,}| \| /);
      const [, verbName = "", ...words] = line.split(" ");
      const parser = createProgram(commandContext({ cwd: "/" }), () => undefined).commands.find(
        (command) => command.name() === verbName,
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

function unquoted(word: string): string {
  return word.replace(/^'(.*)'$/, "$1");
}
