import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  codeBlock,
  codeSpan,
  details,
  fitMarkdown,
  markdownTable,
  proseWithNames,
} from "../../../src/image/markdown.ts";

describe("codeSpan", () => {
  it.each([
    ["shop/web:2", "`shop/web:2`"],
    ["@octocat closes #1", "`@octocat closes #1`"],
    ["a`b", "``a`b``"],
    ["`a", "`` `a ``"],
    ["two\nlines", "`two\ufffdlines`"],
    ["\u001b[31mred\u001b[0m", "`red`"],
    ["  ", ""],
  ])("%j is %s", (text, markdown) => {
    expect(codeSpan(text)).toBe(markdown);
  });

  it("never lets a text end its own span", () => {
    const text = fc.string({ unit: fc.constantFrom("`", "a", " ", "\\", "|", "<", "@") });
    fc.assert(
      fc.property(text, (value) => {
        const span = codeSpan(value);
        if (span === "") return;
        const fence = /^`+/.exec(span)?.[0] ?? "";
        const inner = span.slice(fence.length, -fence.length);
        expect(span.endsWith(fence)).toBe(true);
        expect([...inner.matchAll(/`+/g)].some(([run]) => run.length === fence.length)).toBe(false);
      }),
    );
  });
});

describe("codeBlock", () => {
  it("takes more backticks than a call takes arguments", () => {
    expect(codeBlock(`${"` ".repeat(150_000)}\`\`\`\``).startsWith("`````text\n")).toBe(true);
  });

  it("has a fence that is longer than any in its text", () => {
    expect(codeBlock("a\n````\n/close\n")).toBe("`````text\na\n````\n/close\n`````");
  });

  it("shows what a program printed without its colours", () => {
    expect(codeBlock("\u001b[1mbold\u001b[0m\r\nnext")).toBe("```text\nbold\nnext\n```");
  });
});

describe("markdownTable", () => {
  it("leaves out a column that may go when no row has anything in it", () => {
    const columns = [{ header: "Image" }, { header: "From", optional: true } as const, { header: "To" }];
    expect(markdownTable(columns, [["a", "", "b"], ["c"]])).toBe("| Image | To |\n| :-- | :-- |\n| a | b |\n| c |  |");
  });

  it("keeps a pipe inside of its cell", () => {
    expect(markdownTable([{ header: "Pod" }, { header: "Size", align: "right" }], [[codeSpan("a|b"), "1"]])).toBe(
      "| Pod | Size |\n| :-- | --: |\n| `a\\|b` | 1 |",
    );
  });
});

describe("proseWithNames", () => {
  it.each([
    ["it was not built here before", "it was not built here before"],
    [
      "pulled by pod shop/web-5d9c init container wait-for-db",
      "pulled by pod `shop/web-5d9c` init container wait-for-db",
    ],
    ["used by pod shop/a container b (the node held it)", "used by pod `shop/a` container b (the node held it)"],
    ["has not run yet: 3 of 8 GH-12", "has not run yet: 3 of 8 `GH-12`"],
    ["@octo #12 https://x.example", "`@octo #12 https://x.example`"],
    ["a <b> `c`", "a `` <b> `c` ``"],
  ])("%s", (text, markdown) => {
    expect(proseWithNames(text)).toBe(markdown);
  });

  it("leaves nothing outside of code that means something to a platform", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme" }), (text) => {
        const outside = proseWithNames(text).replace(/(?<!`)(`+)(?!`).*?(?<!`)\1(?!`)/g, "");
        expect(outside).toMatch(/^[A-Za-z\d ,;:()-]*$/);
      }),
    );
  });
});

describe("fitMarkdown", () => {
  const sections = [
    { markdown: "verdict", dispensable: 0 },
    { markdown: details("logs", "x".repeat(100)), dispensable: 2, instead: "logs: see the job" },
    { markdown: "pods", dispensable: 1 },
  ];

  it("leaves out nothing when all fits", () => {
    expect(fitMarkdown(sections, 1_000)).toContain("xxx");
  });

  it("leaves out whole sections, the most dispensable first", () => {
    expect(fitMarkdown(sections, 60)).toBe("verdict\n\nlogs: see the job\n\npods\n");
    expect(fitMarkdown(sections, 30)).toBe("verdict\n\nlogs: see the job\n");
  });
});
