// Takes the pictures of the documentation: pages of ours as a browser shows them, from the markdown that
// test/unit/image/pictures.test.ts keeps in test/fixtures/pictures.
// Usage: take.mjs [--theme dark] [--format png] [--to DIRECTORY]
import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { chromium } from "playwright-core";
import { drawCharts, mermaidScript, page } from "./page.mjs";

const root = fileURLToPath(new URL("../../", import.meta.url));
const kept = join(root, "docs/pictures");
const { values } = parseArgs({
  options: {
    theme: { type: "string", default: "light" },
    to: { type: "string", default: kept },
    format: { type: "string", default: "webp" },
  },
});

/** Widths are those of the sites in a window of 1280 pixels. */
const frames = {
  "github-summary": { site: "github", width: 920, title: "<b>build</b> summary" },
  "github-comment": {
    site: "github",
    breaks: true,
    width: 780,
    title: "<b>github-actions</b> <i>bot</i> commented 2 minutes ago • edited",
  },
  "gitlab-note": { site: "gitlab", width: 860, title: "<b>shop-ci</b> @project_12_bot · 2 minutes ago" },
};

// No sandbox: in containers it has no rights, and the pages are our own. The rest keeps Chromium from calling home.
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: [
    ...["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"],
    ...["--disable-component-update", "--disable-sync"],
  ],
});
try {
  const context = await browser.newContext({ colorScheme: values.theme, offline: true });
  const sources = {};
  for (const [name, frame] of Object.entries(frames)) {
    const markdown = readFileSync(join(root, `test/fixtures/pictures/${name}.md`), "utf8");
    sources[name] = createHash("sha256").update(markdown).digest("hex");
    await take(context, page(markdown, frame, values.theme), join(values.to, `${name}.${values.format}`));
  }
  // A test holds them against the markdown: no picture may show what we no longer write.
  if (values.to === kept) writeFileSync(join(kept, "sources.json"), `${JSON.stringify(sources, undefined, 2)}\n`);
} finally {
  await browser.close();
}

async function take(context, html, file) {
  const tab = await context.newPage();
  await tab.setContent(html);
  await tab.addScriptTag({ path: mermaidScript });
  await tab.evaluate(drawCharts, values.theme);
  const clip = await tab.locator("body").boundingBox();
  const session = await context.newCDPSession(tab);
  // WebP is a third of PNG's size; playwright itself has no option for it.
  const { data } = await session.send("Page.captureScreenshot", {
    ...{ format: values.format, captureBeyondViewport: true },
    ...(values.format === "png" ? {} : { quality: 38 }),
    clip: { ...clip, scale: 1 },
  });
  const bytes = Buffer.from(data, "base64");
  writeFileSync(file, bytes);
  console.log(`${file}: ${Math.ceil(bytes.byteLength / 1_000)} kB`);
  await tab.close();
}
