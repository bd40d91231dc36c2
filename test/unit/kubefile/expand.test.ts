import fc from "fast-check";
import { expect, test } from "vitest";
import { expandCommandVariables, expandVariables, expandWord } from "../../../src/kubefile/expand.ts";
import { parseKubefile } from "../../../src/kubefile/parser.ts";

const values: Readonly<Record<string, string>> = { X: "one", EMPTY: "", Y2_: "two" };
const lookup = (name: string): string | undefined => values[name];

const cases: readonly [written: string, text: string, unknown?: string][] = [
  ["plain", "plain"],
  ["$X", "one"],
  ["a${X}b", "aoneb"],
  ["$Y2_.$X", "two.one"],
  ["$X$X", "oneone"],
  ["\\$X", "$X"],
  ["'$X'", "$X"],
  ['"$X and \\$X"', "one and $X"],
  ['"a \\b"', "a \\b"],
  ["a\\ b", "a b"],
  ["\\\\$X", "\\one"],
  ["${X:-d}", "one"],
  ["${NONE:-d}", "d"],
  ["${EMPTY:-d}", "d"],
  ["${EMPTY-d}", ""],
  ["${NONE-d}", "d"],
  ["${X:+a}", "a"],
  ["${EMPTY:+a}", ""],
  ["${EMPTY+a}", "a"],
  ["${NONE:+a}", ""],
  ["${NONE:-$X-${Y2_}}", "one-two"],
  ['${NONE:-"a b"}', "a b"],
  ["${NONE:-${EMPTY:-deep}}", "deep"],
  ["$NONE.", ".", "NONE 1:1"],
  ["ab${NONE}", "ab", "NONE 1:3"],
  ["${NONE:?needed}", "", "NONE 1:1"],
  ["${EMPTY:?needed}", "", "EMPTY 1:1"],
  ["${EMPTY?needed}", ""],
  ["${NONE:-$NOR}", "", "NOR 1:9"],
  ["${X:+$NONE}", "", "NONE 1:6"],
  ["$1 $ $(X)", "$1 $ $(X)"],
  ["${1}", "${1}"],
  ["${X%.y}", "${X%.y}"],
];

test.each(cases)("%s becomes %s", (written, text, unknown) => {
  const expansion = expandVariables(written, lookup);
  expect(expansion.text).toBe(text);
  const names = expansion.unknown.map(({ name, span }) => `${name} ${span.start.line}:${span.start.column}`);
  expect(names).toEqual(unknown === undefined ? [] : [unknown]);
});

test("with a backtick as the escape character a backslash is itself", () => {
  expect(expandVariables("a\\b`$X", lookup, "`").text).toBe("a\\b$X");
});

test("an unknown variable is found where it was written, behind continued lines", () => {
  const { kubefile } = parseKubefile('FROM scratch\nENV A=1 \\\n  # note\n  B="x $NONE"\n', "Kubefile");
  const env = kubefile.instructions[1];
  const value = env?.kind === "ENV" ? env.pairs[1]?.value : undefined;
  expect(value === undefined ? undefined : expandWord(value, lookup)).toEqual({
    text: "x ",
    unknown: [{ name: "NONE", span: { start: { line: 4, column: 8 }, end: { line: 4, column: 13 } } }],
  });
});

test("only declared names are replaced in commands", () => {
  expect(expandCommandVariables("echo $(X) $(date) $(EMPTY)$X $((1+1))", lookup)).toBe("echo one $(date) $X $((1+1))");
});

test("what is quoted comes back as it was", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (text) => {
      expect(expandVariables(`'${text.replaceAll("'", `'"'"'`)}'`, lookup).text).toBe(text);
      expect(expandVariables(`"${text.replace(/["\\$]/g, "\\$&")}"`, lookup).text).toBe(text);
      expect(expandVariables([...text].map((character) => `\\${character}`).join(""), lookup).text).toBe(text);
    }),
  );
});

test("no text makes it fail", () => {
  const unit = fc.constantFrom(..."$${}{}:-+?'\"\\`aX 1");
  fc.assert(
    fc.property(fc.string({ unit, maxLength: 200 }), (text) => typeof expandVariables(text, lookup).text === "string"),
  );
  expect(expandVariables("${X:-".repeat(5_000), lookup).text).toContain("one");
});
