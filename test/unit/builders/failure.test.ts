import { expect, test } from "vitest";
import { buildFailed } from "../../../src/builders/failure.ts";
import type { ImageBuild } from "../../../src/builders/types.ts";

const build: ImageBuild = {
  reference: { host: "registry.example", path: "shop/web", tag: "dev" },
  context: "/work/web",
  dockerfile: "docker/Dockerfile",
  shown: "web/docker/Dockerfile",
  target: undefined,
  arguments: new Map(),
};

// As buildctl v0.34.2 and kaniko v1.28.3 print them.
const said: readonly { name: string; lines: readonly string[]; line: number | undefined; words: readonly string[] }[] =
  [
    {
      name: "BuildKit, of a file that is not there",
      lines: [
        '#4 ERROR: failed to calculate checksum of ref x::y: "/nope": not found',
        "------",
        " > [1/1] COPY nope /x:",
        "------",
        "Dockerfile:2",
        "--------------------",
        "   1 |     FROM scratch",
        "   2 | >>> COPY nope /x",
        "--------------------",
        'error: failed to solve: failed to compute cache key: "/nope": not found',
      ],
      line: 2,
      words: ["   2 | >>> COPY nope /x", '"/nope": not found'],
    },
    {
      name: "kaniko, of an instruction that there is none of",
      lines: [
        "\u001b[36mINFO\u001b[0m[0000] active feature flags: FF_KANIKO_OCI_WARMER ",
        "\u001b[36mINFO\u001b[0m[0000] To simulate EOF and exit, press 'Ctrl+D'     ",
        "error building image: parsing dockerfile: dockerfile parse error on line 2: unknown instruction: FETCH",
      ],
      line: 2,
      words: ["unknown instruction: FETCH"],
    },
    {
      name: "kaniko, of a RUN",
      lines: [
        "\u001b[36mINFO\u001b[0m[0000] Running: [/bin/sh -c exit 3]             ",
        "error building image: error building stage: failed to execute command: waiting for process to exit: exit status 3",
      ],
      line: undefined,
      words: ["INFO[0000] Running: [/bin/sh -c exit 3]", "exit status 3"],
    },
  ];

test.each(said)("$name", ({ lines, line, words }) => {
  const error = buildFailed(build, lines.join("\n"));
  expect(error.code).toBe("IMAGE_BUILD_FAILED");
  expect(error.where).toEqual(line === undefined ? undefined : { file: build.shown, line });
  expect(error.message).toContain("registry.example/shop/web:dev cannot be built from web/docker/Dockerfile:");
  for (const word of words) expect(error.message).toContain(word);
  expect(error.message).not.toMatch(/feature flags|simulate EOF/);
  expect(error.message).not.toContain("\u001b");
});
