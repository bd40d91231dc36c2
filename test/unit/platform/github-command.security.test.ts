import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { withoutCommands, workflowCommand } from "../../../src/platform/github-command.ts";

/**
 * What the runner makes of a line, blanks of .NET in front of it left aside, as its ActionCommand.TryParseV2 and TryParse say: the name of the command, with
 * properties and data unescaped, or nothing.
 */
function obeyed(line: string): { name: string; properties: Record<string, string>; data: string } | undefined {
  const modern = /^[\s\u0085]*::(?<name>[^ :]*)(?: (?<properties>.*?))?::(?<data>.*)$/su.exec(line)?.groups;
  const old = /##\[(?<name>[^\] ]*)(?: (?<properties>[^\]]*))?\](?<data>.*)$/su.exec(line)?.groups;
  const { name = "", properties = "", data = "" } = modern ?? old ?? {};
  if (modern === undefined && old === undefined) return undefined;
  const unescaped = (text: string): string =>
    text
      .replaceAll("%0D", "\r")
      .replaceAll("%0A", "\n")
      .replaceAll("%3A", ":")
      .replaceAll("%2C", ",")
      .replaceAll("%25", "%");
  const pairs = properties.split(",").filter(Boolean);
  return {
    name,
    properties: Object.fromEntries(pairs.map((pair) => pair.split("=", 2).map(unescaped))),
    data: unescaped(data),
  };
}

describe("a command", () => {
  test("escapes what would end its line, its properties or itself", () => {
    expect(workflowCommand("error", { file: "a,b:c", line: 3, title: "50%" }, "one\r\n::two::%0A")).toBe(
      "::error file=a%2Cb%3Ac,line=3,title=50%25::one%0D%0A::two::%250A\n",
    );
  });

  test("leaves out what is not known", () => {
    expect(workflowCommand("error", { file: "Kubefile", line: 3, col: undefined, title: "" }, "no")).toBe(
      "::error file=Kubefile,line=3::no\n",
    );
    expect(workflowCommand("endgroup", {}, "")).toBe("::endgroup::\n");
  });

  test("means to the runner what was said, whatever was said", () => {
    const hostile = fc.string({ unit: fc.constantFrom(..."::,=%0AD25\r\n a#[]") });
    fc.assert(
      fc.property(hostile, hostile, (file, message) => {
        const line = workflowCommand("error", { file }, message);
        expect(line.indexOf("\n")).toBe(line.length - 1);
        const said = obeyed(line.slice(0, -1));
        expect(said?.name).toBe("error");
        // The runner's own unescaping takes `%` last, so that two escapes in a row are one of the few things it mixes up.
        if (!/%/.test(message)) expect(said?.data).toBe(message);
        if (!/[%=]/.test(file) && file.trim() !== "") expect(said?.properties).toEqual({ file });
      }),
    );
  });
});

describe("text of strangers", () => {
  test.each([
    "::set-env name=PATH::/tmp",
    "  ::add-mask::a",
    "\u00a0\t::stop-commands::x",
    "\u0085 ::stop-commands::x",
    "fine\n::error::no",
    "image docker.io/a/b ##[add-mask]a",
    "##[stop-commands]x",
    "x##[group]##[error]y",
    "\u2003::warning file=a::b",
  ])("commands nothing: %j", (text) => {
    expect(text.split("\n").some((line) => obeyed(line) !== undefined)).toBe(true);
    expect(
      withoutCommands(text)
        .split("\n")
        .filter((line) => obeyed(line) !== undefined),
    ).toEqual([]);
  });

  test("commands nothing, whatever it is", () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(..."::##[[] \t\nabc") }), (text) => {
        for (const line of withoutCommands(text).split("\n")) expect(obeyed(line)).toBeUndefined();
      }),
    );
  });

  test("that is harmless stays as it is", () => {
    const text = "# heading\n## [link]\nstd::vector and a :: b\nhttp://[::1]:5000/\n";
    expect(withoutCommands(text)).toBe(text);
  });

  test("is the same JSON as before", () => {
    const value = { text: "::a::\n##[error]b", list: ["##[group]", "::c::d"] };
    expect(JSON.parse(withoutCommands(JSON.stringify(value, undefined, 2)))).toEqual(value);
  });
});
