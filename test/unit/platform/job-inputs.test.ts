import { describe, expect, it } from "vitest";
import type { Inputs } from "../../../src/platform/inputs.ts";
import { inputsOfAction, inputsOfVariables, readJobInputs } from "../../../src/platform/job-inputs.ts";

const table = {
  tag: { kind: "list", jobName: "tags", help: "names" },
  buildArg: { kind: "map", jobName: "build-args", help: "arguments" },
  quietWindow: { kind: "duration", default: "20s", help: "a time" },
  push: { kind: "switch", default: "false", help: "whether" },
  wait: { kind: "choice", choices: ["ready", "pulled"], default: "ready", help: "until" },
  nodeImage: { kind: "text", help: "an image" },
  report: { kind: "path", help: "a file", only: ["command"] },
} as const satisfies Inputs;

const reader = (texts: Readonly<Record<string, string>>) => (name: string) => texts[name] ?? "";

describe("the inputs of a job", () => {
  it("are read by their kinds, lists one a line", () => {
    const texts = {
      tags: "shop:1\n\n  shop:2  \n",
      "build-args": "A=1=2",
      "quiet-window": "1m30s",
      push: "true",
      wait: "pulled",
      "node-image": " kindest/node:v1.34.4 ",
    };
    expect(readJobInputs(table, reader(texts))).toEqual({
      tag: ["shop:1", "shop:2"],
      buildArg: ["A=1=2"],
      quietWindow: 90_000,
      push: true,
      wait: "pulled",
      nodeImage: "kindest/node:v1.34.4",
    });
  });

  it("that are empty, or at their defaults, were not given", () => {
    expect(readJobInputs(table, reader({ tags: " \n ", push: "false", wait: "ready", report: "" }))).toEqual({});
  });

  it("know nothing of what the command line alone has", () => {
    expect(readJobInputs(table, reader({ report: "report.json" }))).toEqual({});
  });

  it("that cannot be read are all told", () => {
    const read = () => readJobInputs(table, reader({ push: "yes", wait: "soon", "quiet-window": "20" }));
    expect(read).toThrowError(
      [
        'quiet-window "20" is not a duration: write 20s, 10m, 1h30m or 14d',
        'push "yes" is none of true, false',
        'wait "soon" is none of ready, pulled',
      ].join("\n"),
    );
  });

  it("of an action are somebody's word even at their defaults, and may be written as YAML 1.2 has it", () => {
    const env = {
      INPUT_PUSH: "False",
      INPUT_WAIT: "ready",
      "INPUT_BUILD-ARGS": "A=1,2\r\nB=2",
      INPUT_TAGS: "a:1,b:1\nc:1",
    };
    expect(inputsOfAction({ ...table, tag: { ...table.tag, commas: true } }, env)).toEqual({
      push: false,
      wait: "ready",
      buildArg: ["A=1,2", "B=2"],
      tag: ["a:1", "b:1", "c:1"],
    });
  });

  it("are variables of a job, and of nothing else", () => {
    const variables = { KUBEFILE_INPUT_BUILD_ARGS: "A=1\nB=2", KUBEFILE_INPUT_WAIT: "pulled" };
    for (const job of [{ GITLAB_CI: "true" }, { GITHUB_ACTIONS: "true" }]) {
      expect(inputsOfVariables(table, { ...variables, ...job })).toEqual({ buildArg: ["A=1", "B=2"], wait: "pulled" });
    }
    expect(inputsOfVariables(table, variables)).toEqual({});
  });
});
