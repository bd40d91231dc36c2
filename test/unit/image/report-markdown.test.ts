import { describe, expect, test } from "vitest";
import type { BuildReport } from "../../../src/image/report.ts";
import { reportMarkdown } from "../../../src/image/report-markdown.ts";
import { digestOf } from "../../../src/oci/digest.ts";

const report: BuildReport = {
  schemaVersion: 1,
  kubefile: "deploy/Kubefile",
  platform: "linux/amd64",
  nodeImage: "kindest/node:v1.34.4",
  grade: "ready",
  needsNetwork: false,
  digest: digestOf("shop"),
  size: 50_000_000,
  references: ["registry.example/shop:1"],
  transfer: {
    uploaded: { blobs: 12, bytes: 48_000_000 },
    existing: { blobs: 3, bytes: 9_000 },
    mounted: { blobs: 0, bytes: 0 },
  },
  steps: [
    { shown: "COPY etc etc", where: { file: "Kubefile", line: 2 }, state: "cached", from: "the local store" },
    {
      shown: "COPY charts/ charts/",
      where: { file: "Kubefile", line: 3 },
      state: "built",
      reason: "charts/web/values.yaml changed",
    },
  ],
  rehearsal: { state: "rehearsed", reason: "the rootfs changed" },
  images: [
    {
      reference: "docker.io/library/nginx:1.27",
      digest: digestOf("nginx"),
      size: 48_234_567,
      reasons: [
        { source: "pulled", text: "pulled by pod shop/web-0 container app" },
        { source: "static", text: "named by Deployment web", where: { file: "manifests/web.yaml", line: 17 } },
      ],
    },
    {
      reference: "quay.io/shop/helper:1",
      digest: digestOf("helper"),
      size: 3_500_000,
      reasons: [{ source: "observed", text: "created by operator Deployment shop/op" }],
    },
  ],
  onlyRehearsal: ["quay.io/shop/helper:1"],
  suggestions: [
    { reference: "docker.io/library/debug:1", where: { file: "config.yaml", line: 8 }, why: "text of ConfigMap a" },
  ],
  warnings: ["CronJob shop/report has not run yet"],
  phases: [
    { name: "cluster", start: 0, seconds: 12.3 },
    { name: "launch", start: 12.4, seconds: 52.25 },
  ],
};
const limit = 1024 * 1024;

test("folds a long table of images, which would hide what comes after it", () => {
  const [image] = report.images;
  if (image === undefined) throw new Error("the report has an image");
  const pageOf = (count: number): string => reportMarkdown({ ...report, images: Array(count).fill(image) }, { limit });
  expect(pageOf(30)).not.toContain("<details>");
  expect(pageOf(31)).toMatch(/shared layers once\.\n\n<details><summary>All 31<\/summary>\n\n\| Image, digest/);
});

test("of a build says what came of it, and why each image is there", () => {
  expect(
    reportMarkdown(report, { limit, difference: "`nginx` moved" }),
  ).toBe(`### ✅ ready: every pod of the launch became ready, without a network

\`${digestOf("shop")}\`, 47.7 MiB
- \`registry.example/shop:1\`

Sent 12 blobs, 45.8 MiB; 3 there already.

- ⚠️ CronJob \`shop/report\` has not run yet

#### Found by the rehearsal alone

1 of 2 images; no file names it.

| Image | Why |
| :-- | :-- |
| \`quay.io/shop/helper:1\` | created by operator Deployment \`shop/op\` |

#### Images

2 images for \`linux/amd64\`, rehearsed on \`kindest/node:v1.34.4\`: 49.3 MiB; 47.7 MiB together, shared layers once.

| Image, digest | Size | Why |
| :-- | --: | :-- |
| \`docker.io/library/nginx:1.27\`<br>\`${digestOf("nginx").slice(7, 19)}\` | 46.0\u00a0MiB | pulled by pod \`shop/web-0\` container app<br>named by Deployment web (\`manifests/web.yaml:17\`) |
| \`quay.io/shop/helper:1\`<br>\`${digestOf("helper").slice(7, 19)}\` | 3.3\u00a0MiB | created by operator Deployment \`shop/op\` |

#### Not in the cluster image

Named in texts alone; the input \`include\` adds what is needed.

| Image | Where | Why |
| :-- | :-- | :-- |
| \`docker.io/library/debug:1\` | \`config.yaml:8\` | text of ConfigMap a |

#### Steps

1 of 2 steps cached.

| Line | Step | State | From, or why not |
| --: | :-- | :-- | :-- |
| 2 | \`COPY etc etc\` | CACHED | the local store |
| 3 | \`COPY charts/ charts/\` | executed | \`charts/web/values.yaml\` changed |
|  | rehearsal | rehearsed | the rootfs changed |

#### Changes

\`nginx\` moved

#### Time: 1 min 05 s

\`\`\`mermaid
gantt
  dateFormat x
  axisFormat %s s
  section build
  cluster 12.3 s :0, 12300
  launch 52.3 s :12400, 64650
\`\`\`
`);
});

test("of a failure names the line to blame, and breaks what a page would show only by scrolling", () => {
  const { digest: _digest, size: _size, transfer: _transfer, rehearsal: _rehearsal, ...rest } = report;
  const pull =
    "pod shop/web-0 container app: docker.io/shop/web:9 was not found: registry docker.io (at 127.0.0.1:36543) answered 404 for manifest docker.io/shop/web:9: manifest unknown";
  const quoted = `  3 | COPY ${"charts ".repeat(20)}.`;
  const failure = {
    ...{ code: "PULL_FAILED", message: `${pull}\n${quoted}`, hint: "look here" },
    where: { file: "Kubefile", line: 19, column: 5 },
  };
  const text = reportMarkdown({ ...rest, failure, images: [], steps: [] }, { limit });
  expect(text).toContain(`\`\`\`text
error[PULL_FAILED]: Kubefile:19:5: pod shop/web-0 container app: docker.io/shop/web:9 was not found:
    registry docker.io (at 127.0.0.1:36543) answered 404 for manifest docker.io/shop/web:9: manifest
    unknown
${quoted}
hint: look here
\`\`\``);
});

test("of a failure says what failed, where more is, and how to see it again", () => {
  const { digest: _digest, size: _size, transfer: _transfer, rehearsal: _rehearsal, ...rest } = report;
  const failure = { code: "LAUNCH_FAILED", message: "launch ended with 2:\n```\n## no", hint: "look here" };
  const text = reportMarkdown(
    { ...rest, failure, images: [], onlyRehearsal: [], suggestions: [], warnings: [], phases: [], steps: [] },
    { limit, reproduce: "npx kubefile-ci build .", bundle: "[bundle](https://example)" },
  );
  expect(text).toBe(`### ❌ \`deploy/Kubefile\` was not built

\`\`\`\`text
error[LAUNCH_FAILED]: launch ended with 2:
\`\`\`
## no
hint: look here
\`\`\`\`

Events, logs and objects of the run: [bundle](https://example)

The same on another machine:

\`\`\`sh
npx kubefile-ci build .
\`\`\`
`);
});

test.each([
  ["static", false, "### ⚠️ static: "],
  ["ready", true, "### ⚠️ ready: every pod of the launch became ready, with a network"],
] as const)("of grade %s, network %s, does not claim too much", (grade, needsNetwork, start) => {
  expect(reportMarkdown({ ...report, grade, needsNetwork }, { limit }).startsWith(start)).toBe(true);
});

test("names of strangers neither mention, link nor end a cell", () => {
  const hostile = "</table>@octocat [x](javascript:1) `|` ![i](https://tracker.example)";
  const text = reportMarkdown(
    {
      ...report,
      warnings: [hostile],
      suggestions: [{ reference: hostile, where: { file: "a|b", line: 1 }, why: "`" }],
    },
    { limit },
  );
  const outsideOfCode = text.replace(/(`+)(?!`).*?(?<!`)\1(?!`)/gs, "");
  expect(outsideOfCode).not.toMatch(/octocat|javascript|tracker|<\/table>/);
  const row = text.split("\n").find((line) => line.includes("a\\|b"));
  expect(row?.match(/(?<!\\)\|/g)).toHaveLength(4);
});

describe("a page that is too long", () => {
  const image = (position: number): BuildReport["images"][number] => ({
    reference: `registry.example/größe/image-${position}:1`,
    digest: digestOf(String(position)),
    size: 1_000,
    reasons: [{ source: "pulled", text: "ß".repeat(400) }],
  });
  const large: BuildReport = { ...report, images: Array.from({ length: 3_000 }, (_, position) => image(position)) };

  test("loses whole rows and says how many; counted in bytes, not characters", () => {
    const text = reportMarkdown(large, { limit });
    expect(Buffer.byteLength(text)).toBeLessThanOrEqual(limit);
    const shown = text.match(/^\| `registry\.example/gm)?.length ?? 0;
    expect(shown).toBeGreaterThan(500);
    expect(text).toContain(`${3_000 - shown} more rows are left out here; the report has all.`);
    for (const row of text.split("\n").filter((line) => line.startsWith("| "))) expect(row).toMatch(/ \|$/);
    expect(text).toContain("#### Time");
  });

  test("keeps the verdict whatever goes", () => {
    const text = reportMarkdown(large, { limit: 1_200, difference: "x".repeat(10_000) });
    expect(Buffer.byteLength(text)).toBeLessThanOrEqual(1_200);
    expect(text).toContain("### ✅ ready");
    expect(text).toContain("They are too many to be shown here.");
    expect(text).not.toContain("mermaid");
  });
});
