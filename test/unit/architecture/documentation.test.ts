import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { createProgram } from "../../../src/cli/main.ts";
import { terminal } from "../../../src/platform/terminal.ts";

const root = resolve(import.meta.dirname, "../../..");
const pages = [
  "README.md",
  ...readdirSync(join(root, "docs"), { recursive: true, encoding: "utf8" }).map((file) => join("docs", file)),
  ...readdirSync(join(root, "examples"), { recursive: true, encoding: "utf8" }).map((file) => join("examples", file)),
].filter((file) => file.endsWith(".md"));

describe.each(pages)("%s", (page) => {
  const text = readFileSync(join(root, page), "utf8");

  it("links to pages and files that are there", () => {
    const targets = [...text.matchAll(/\]\((?!https?:)([^)#\s]+)(?:#[^)]*)?\)/g)].map(([, target = ""]) => target);
    expect(targets.filter((target) => !existsSync(resolve(root, dirname(page), target)))).toEqual([]);
  });

  it("links to headings that are there", () => {
    const links = [...text.matchAll(/\]\((?!https?:)([^)#\s]*\.md)?#([^)\s]+)\)/g)];
    const missing = links.filter(([, target, anchor = ""]) => {
      const file = target === undefined ? join(root, page) : resolve(root, dirname(page), target);
      return !anchorsOf(readFileSync(file, "utf8")).has(anchor);
    });
    expect(missing.map(([link]) => link)).toEqual([]);
  });

  it("names files of the repository that are there", () => {
    const named = [...text.matchAll(/`((?:src|test|schemas|scripts|examples|docs|bin)\/[\w./-]*)`/g)].map(
      ([, path = ""]) => path,
    );
    expect(named.filter((path) => !existsSync(join(root, path)))).toEqual([]);
  });

  it("names commands and flags that there are", () => {
    const verbs = new Map(commandLine().commands.map((command) => [command.name(), command]));
    const unknown = codeOf(text).flatMap((code) =>
      [...code.matchAll(/(?:^|[\s$;/])kubefile ([a-z]+)([^\n;|&]*)/g)].flatMap(([, verb = "", rest = ""]) => {
        const outer = verbs.get(verb);
        if (outer === undefined) return [verb];
        const inner = outer.commands.find((command) => command.name() === rest.trim().split(" ", 1)[0]);
        const known = (inner ?? outer).options.flatMap(({ long }) => long ?? []);
        const written = [...rest.matchAll(/(?<=\s|\[)--[a-z-]+/g)].map(([flag]) => flag);
        return written.filter((flag) => flag !== "--help" && !known.includes(flag)).map((flag) => `${verb} ${flag}`);
      }),
    );
    expect(unknown).toEqual([]);
  });
});

describe("README.md", () => {
  it("leads to every page for users", () => {
    const text = readFileSync(join(root, "README.md"), "utf8");
    const pagesForUsers = readdirSync(join(root, "docs")).filter((file) => file.endsWith(".md"));
    expect(pagesForUsers.filter((file) => !text.includes(`](docs/${file})`))).toEqual([]);
  });

  it("lists every command that the help lists", () => {
    const text = readFileSync(join(root, "README.md"), "utf8");
    const listed = new Set([...text.matchAll(/`kubefile ([a-z]+)[^`]*`/g)].map(([, verb]) => verb));
    const shown = commandLine().createHelp().visibleCommands(commandLine());
    expect(shown.map((command) => command.name()).filter((verb) => !listed.has(verb))).toEqual([]);
  });
});

/** As GitHub makes them of headings. */
function anchorsOf(text: string): ReadonlySet<string> {
  const headings = text.replace(/^```.*?^```/gms, "").matchAll(/^#+ (.+)$/gm);
  return new Set(
    [...headings].map(([, heading = ""]) =>
      heading
        .toLowerCase()
        .replace(/[^\p{L}\p{N}\s_-]/gu, "")
        .replaceAll(" ", "-"),
    ),
  );
}

/** Code in running text and in blocks; pictures are none. */
function codeOf(text: string): string[] {
  // Pictures are matched as well, so that their ends are not taken for beginnings.
  const fenced = [...text.matchAll(/^```(\w*)\n(.*?)^```/gms)];
  const blocks = fenced.flatMap(([, language, code = ""]) => (language === "mermaid" ? [] : [code]));
  const spans = [...text.replace(/^```.*?^```/gms, "").matchAll(/`([^`\n]+)`/g)].map(([, code = ""]) => code);
  return [...blocks, ...spans];
}

function commandLine(): ReturnType<typeof createProgram> {
  const { signal } = new AbortController();
  const { stdout, stderr } = process;
  return createProgram(
    { env: {}, cwd: root, stdout, stderr, platform: terminal, signal, repeated: signal },
    () => undefined,
  );
}
