import fc from "fast-check";
import { describe, expect, it, test } from "vitest";
import { KubefileError } from "../../../src/error.ts";
import { ignoredHint, parseIgnoreFile } from "../../../src/kubefile/ignore-file.ts";

function ignored(text: string, path: string): boolean {
  return parseIgnoreFile(text, ".kubefileignore").ignoredBy(path) !== undefined;
}

describe("one pattern", () => {
  const table: [pattern: string, ignored: readonly string[], kept: readonly string[]][] = [
    ["docs", ["docs", "docs/a", "docs/a/b"], ["docs2", "x/docs", "doc", "Docs"]],
    ["docs/", ["docs", "docs/a"], ["x/docs"]],
    ["/docs", ["docs", "docs/a"], ["x/docs"]],
    ["./docs", ["docs"], ["x/docs"]],
    ["a/./b//c/../d/", ["a/b/d", "a/b/d/e"], ["a/b", "a/b/c/d"]],
    ["../a", [], ["a", "b/a"]],
    ["/../a", ["a"], ["b/a"]],
    ["  docs\t", ["docs"], []],
    ["a b", ["a b"], ["a", "b"]],
    ["docs/a", ["docs/a", "docs/a/b"], ["docs", "docs/b"]],
    ["*", ["a", ".a", "a/b"], []],
    ["*.md", ["a.md", ".md", "a.md/b"], ["a/b.md", "a.mdx", "aXmd"]],
    ["*/*.md", ["a/b.md", "a/b.md/c"], ["a.md", "a/b/c.md"]],
    ["*/*/temp*", ["a/b/temp", "a/b/temporary/x"], ["a/temp", "a/b/c/temp"]],
    ["temp?", ["tempa", "temp.", "temp☺", "temp💚"], ["temp", "tempab", "temp/a"]],
    ["a?c", ["abc"], ["a/c"]],
    ["[a-c]x", ["ax", "cx"], ["dx", "a", "x"]],
    ["[^a-c]x", ["dx"], ["ax", "cx"]],
    ["a[^b]c", ["axc", "a/c"], ["abc"]],
    ["[a\\]]", ["a", "]"], ["\\"]],
    ["a]", ["a]"], ["a"]],
    ["**", ["a", "a/b", ".a"], []],
    ["**/", ["a", "a/b"], []],
    ["**/a", ["a", "x/a", "x/y/a", "x/a/b"], ["xa", "ax", "x/ab"]],
    ["**/*.go", ["a.go", "x/a.go", "x/y/.go"], ["a.god", "ago"]],
    ["**a", ["a", "ba", "x/ba", "xa/y"], ["ab", "b/ab"]],
    ["**a?", ["ab", "x/ac"], ["bab", "x/bab"]],
    ["a/**", ["a/b", "a/b/c"], ["a", "ab/c"]],
    ["a/**/", ["a/b", "a/b/c"], ["a"]],
    ["a**", ["a", "ab", "ab/c", "a/b"], ["ba"]],
    ["a/**/b", ["a/b", "a/x/b", "a/x/y/b", "a/b/c"], ["ab", "a/xb", "x/a/b"]],
    ["a**/b", ["ab", "ax/b", "ax/y/b", "a/b"], ["axb", "a/xb"]],
    ["**/a/**/b", ["a/b", "x/a/b", "x/a/y/b"], ["a", "b", "a/x"]],
    ["**/**/**/a", ["a", "x/y/a"], ["b"]],
    ["***", ["a", "a/b"], []],
    ["\\*a", ["*a"], ["a", "ba", "\\*a"]],
    ["\\#a", ["#a"], ["a"]],
    ["\\!a", ["!a"], ["a"]],
    [" #a", ["#a"], ["a"]],
    ["a.b$(c)+{d}|e", ["a.b$(c)+{d}|e"], ["aXb$(c)+{d}|e"]],
    ["^a*", ["^a", "^ab"], ["a", "ab"]],
    ["\\d*", ["d", "de"], ["1"]],
    [".", [], ["a"]],
    ["/", [], ["a"]],
    ["ä", ["ä"], ["Ä", "a"]],
    ["#a", [], ["a", "#a"]],
    ["", [], ["a"]],
  ];
  it.each(table)("%j ignores %j and keeps %j", (pattern, gone, kept) => {
    expect([...gone, ...kept].filter((path) => ignored(pattern, path))).toEqual(gone);
  });
});

describe("several lines", () => {
  const table: [name: string, lines: string, ignored: readonly string[], kept: readonly string[]][] = [
    ["an exception brings back", "*.md\n!a.md", ["b.md"], ["a.md"]],
    ["the last match wins", "*.md\n!README*.md\nREADME-secret.md", ["a.md", "README-secret.md"], ["README.md"]],
    ["so an early exception does nothing", "*.md\nREADME-secret.md\n!README*.md", ["a.md"], ["README-secret.md"]],
    ["a file out of an ignored directory", "docs\n!docs/a", ["docs", "docs/b"], ["docs/a", "docs/a/b"]],
    ["a directory, all but one part", "*\n!src\nsrc/x", ["a", "src/x", "src/x/y"], ["src", "src/a/b"]],
    ["an exception for a parent", "a/b\n!a", [], ["a", "a/b", "a/b/c"]],
    ["an exception with **", "a\n!**/*.md", ["a", "a/b"], ["a/b.md", "a/b/c.md"]],
    ["blanks after !", "a\n!  a  ", [], ["a"]],
    ["a slash after !", "a\n!/a/", [], ["a"]],
    ["two marks: a name that starts with one", "*\n!!a", ["a"], ["!a"]],
    ["lines of Windows", "a\r\n!a/b\r\n", ["a"], ["a/b"]],
    ["a byte order mark", "\ufeffa\nb", ["a", "b"], []],
    ["a byte order mark before a comment", "\ufeff#a\nb", ["b"], ["a", "#a"]],
    ["blank lines", "\n  \na\n\t\n", ["a"], ["b"]],
  ];
  it.each(table)("%s", (_, lines, gone, kept) => {
    expect([...gone, ...kept].filter((path) => ignored(lines, path))).toEqual(gone);
  });

  it("says which line", () => {
    const rule = parseIgnoreFile("# text\n*.md\n\n docs/ \n", ".dockerignore").ignoredBy("docs/a");
    expect(rule).toMatchObject({ where: { file: ".dockerignore", line: 4 }, text: "docs/" });
    expect(rule === undefined ? "" : ignoredHint(rule, "docs/a")).toBe(
      ".dockerignore:4 leaves it out (docs/); write !docs/a below that line to keep it",
    );
  });

  it("never ignores the context itself", () => {
    const rules = parseIgnoreFile("*\n**\n.", ".kubefileignore");
    expect([rules.ignoredBy("."), rules.ignoredBy("")]).toEqual([undefined, undefined]);
  });

  it("names every malformed line", () => {
    const message = 'malformed patterns (line 2: "[b", line 3: "!", line 4: "c\\\\", line 5: "!/", line 6: "[]x]")';
    expect(() => parseIgnoreFile("a\n[b\n!\nc\\\n!/\n[]x]\n", ".kubefileignore")).toThrow(
      new KubefileError("KUBEFILE_INVALID", message, {
        where: { file: ".kubefileignore", line: 2 },
        hint: "close every [ with ], write \\[ for the character itself, and a path after !",
      }),
    );
  });
});

describe("an ignored directory", () => {
  const table: [lines: string, directory: string, expected: boolean][] = [
    ["a", "a", false],
    ["a\n!b", "a", false],
    ["a\n!a/b/c", "a", true],
    ["a\n!a/b/c", "a/b", true],
    ["a\n!a/b/c", "a/x", false],
    ["a\n!**/c", "a/x/y", true],
    ["a\n!*/c", "a", true],
    ["a\n!*/c", "a/x", false],
    ["a\n!ab", "a", false],
  ];
  it.each(table)("%j: below %s something may come back: %s", (lines, directory, expected) => {
    expect(parseIgnoreFile(lines, ".kubefileignore").mayReincludeBelow(directory)).toBe(expected);
  });

  const atom = fc.constantFrom("a", "b", "/", "*", "**", "?", "[ab]", "**/");
  const line = fc.tuple(fc.constantFrom("", "!"), fc.array(atom, { minLength: 1, maxLength: 5 }));
  const lines = fc
    .array(line, { maxLength: 5 })
    .map((all) => all.map(([mark, atoms]) => `${mark}a${atoms.join("")}`).join("\n"));
  const name = fc.string({ unit: fc.constantFrom("a", "b"), minLength: 1, maxLength: 3 });
  const path = fc.array(name, { minLength: 1, maxLength: 3 }).map((names) => names.join("/"));

  it("that may be skipped holds nothing that is kept", () => {
    fc.assert(
      fc.property(lines, path, path, (text, directory, below) => {
        const rules = parseIgnoreFile(text, ".kubefileignore");
        fc.pre(rules.ignoredBy(directory) !== undefined && !rules.mayReincludeBelow(directory));
        expect(rules.ignoredBy(`${directory}/${below}`)).toBeDefined();
      }),
    );
  });

  it("is what a line without exceptions below it makes of everything in it", () => {
    fc.assert(
      fc.property(lines, path, path, (text, directory, below) => {
        const rules = parseIgnoreFile(`${text}\n${directory}`, ".kubefileignore");
        expect(rules.ignoredBy(`${directory}/${below}`)).toBeDefined();
      }),
    );
  });
});

test("agrees with a regular expression", () => {
  const atom = fc.constantFrom("a", "b", "?", "*", "/", "/**/", "[ab]");
  const meaning: Record<string, string> = { "?": "[^/]", "*": "[^/]*", "/**/": "/(?:.*/)?" };
  const atoms = fc
    .array(atom, { minLength: 1, maxLength: 6 })
    .map((all) => ["a", ...all, "b"])
    // What cleaning would change is in the tables, as are two stars that no atom of this list has put together.
    .filter((all) => !/\/\/|\*\*/.test(all.map((each) => each.replace("**/", "")).join("")));
  fc.assert(
    fc.property(atoms, fc.string({ unit: fc.constantFrom("a", "b", "/"), maxLength: 9 }), (all, text) => {
      const path = `a${text}b`.replace(/\/+/g, "/");
      const expected = new RegExp(`^${all.map((each) => meaning[each] ?? each).join("")}(?:/|$)`).test(path);
      expect(ignored(all.join(""), path)).toBe(expected);
    }),
    { numRuns: 1000 },
  );
});

test("ends on patterns that make a naive matcher run for ever", () => {
  const path = "a/".repeat(200).concat("b");
  expect(ignored("**/a".repeat(40).concat("/c"), path)).toBe(false);
  expect(ignored("*a".repeat(100), path)).toBe(false);
  expect(ignored("*".repeat(20_000).concat("c"), path)).toBe(false);
});
