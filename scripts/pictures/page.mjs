import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { Marked } from "marked";

const require = createRequire(import.meta.url);
const frames = readFileSync(new URL("frames.css", import.meta.url), "utf8");
/** Where `drawCharts` finds mermaid. */
export const mermaidScript = require.resolve("@mermaid-js/tiny/dist/mermaid.tiny.js");

/** GitHub Flavored Markdown as HTML, with what both sites do beyond it: charts of mermaid, and colours for changed lines. */
const renderer = new Marked({
  gfm: true,
  renderer: {
    code({ text, lang }) {
      if (lang === "mermaid") return `<pre class="mermaid">${escaped(text)}</pre>`;
      const body = lang === "diff" ? text.split("\n").map(changedLine).join("\n") : escaped(text);
      return `<pre><code>${body}</code></pre>`;
    },
  },
});

/**
 * Markdown in what stands around it at the site that shows it.
 *
 * @param markdown of a job's page, of a comment or of a note
 * @param frame the look: width in CSS pixels, title line, `site` for the colours, and whether a line of text ends where it
 *   does in the markdown, as in comments on GitHub
 * @param theme light or dark
 */
export function page(markdown, { site, width, title, breaks = false }, theme) {
  const sheet = readFileSync(require.resolve(`github-markdown-css/github-markdown-${theme}.css`), "utf8");
  const body = `<article class="markdown-body">${renderer.parse(markdown, { breaks })}</article>`;
  return `<!doctype html><html lang="en"><meta charset="utf-8"><style>${sheet}${frames}</style>
    <body class="${site} ${theme}"><section style="width: ${width}px"><header>${title}</header>${body}</section></body></html>`;
}

/** Runs in the browser. */
export async function drawCharts(theme) {
  const { mermaid } = globalThis;
  mermaid.initialize({ startOnLoad: false, theme: theme === "dark" ? "dark" : "default" });
  await mermaid.run({ querySelector: ".mermaid" });
}

function changedLine(line) {
  const kind = line.startsWith("+") ? "added" : line.startsWith("-") ? "removed" : "kept";
  return `<span class="${kind}">${escaped(line)}</span>`;
}

function escaped(text) {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
