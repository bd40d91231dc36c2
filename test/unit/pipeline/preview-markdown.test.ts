import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { previewMarkdown } from "../../../src/pipeline/preview-markdown.ts";
import { type PreviewVerdict, withTexts } from "../../../src/pipeline/preview-verdict.ts";
import { sampleVerdict } from "../../support/sample-verdict.ts";

const limit = 60_000;

describe("previewMarkdown", () => {
  it("tells of a test that failed", () => {
    expect(
      previewMarkdown(sampleVerdict, { limit, commit: "0123456789abcdef", job: "https://ci.example/runs/1" }),
    ).toBe(`\
### ❌ Preview failed

It started with the network cut, and the test failed.
Cluster image \`sha256:${"ab".repeat(32)}\`: 12 images, 46.0 MiB, grade \`ready\`.
- \`registry.example/shop:pr-12\`

\`\`\`text
error[TEST_FAILED]: test "npm run e2e" ended with exit code 7
hint: its output tells why; --verdict FILE and --comment FILE keep it, with the pods and their logs
\`\`\`

**Test**

\`\`\`text
1 of 8 failed
\`\`\`

|  | Pod | Status | Ready | Restarts |
| :-- | :-- | :-- | --: | --: |
| ❌ | \`shop/cart-0\` | \`CrashLoopBackOff\`<br>\`back-off restarting\` | \`0/1\` | 3 |
| ✅ | \`shop/web-5d9c\` | \`Running\` | \`1/1\` | 0 |

<details><summary>1 warning</summary>

| Object | Reason | Message |
| :-- | :-- | :-- |
| \`pod shop/cart-0\` | \`BackOff\` × 4 | \`Back-off restarting failed container\` |

</details>

<details><summary>Log of <code>shop/cart-0/cart</code> (before its restart)</summary>

\`\`\`text
no database
\`\`\`

</details>

<details><summary>Log of <code>shop/web-5d9c/web</code></summary>

\`\`\`text
listening
\`\`\`

</details>

<details><summary>Timing: 44.3 s</summary>

\`\`\`mermaid
gantt
  dateFormat x
  axisFormat %s s
  section build
  kind cluster 9.5 s :250, 9750
  section launch
  offline launch 12.0 s :20000, 32000
  section test
  test 12.3 s :32000, 44300
\`\`\`

</details>

<sub>Preview of \`0123456789ab\`. [All of the log](https://ci.example/runs/1).</sub>
`);
  });

  it("tells of one that passed and stays", () => {
    const { failure: _, ...rest } = sampleVerdict;
    const passed: PreviewVerdict = {
      ...rest,
      verdict: "passed",
      test: { command: "npm run e2e", exitCode: 0, seconds: 12.3, output: "" },
      lasting: {
        name: "shop-pr-12",
        expires: "2026-11-22T08:00:00Z",
        addresses: [{ target: "svc/web:80", url: "http://runner7.example:31080" }],
      },
    };
    const markdown = previewMarkdown(passed, { limit });
    expect(markdown).toContain("2 pods started with the network cut, and `npm run e2e` passed in 12.3 s.");
    expect(markdown).toContain("- <http://runner7.example:31080> (`svc/web:80`)");
  });

  it("blames the machine where the machine is to blame", () => {
    const invalid: PreviewVerdict = {
      ...{ schemaVersion: 1, verdict: "invalid", pods: [], events: [], logs: [], phases: [] },
      failure: { part: "build", code: "ENGINE_MISSING", message: "no Docker Engine answers" },
    };
    expect(previewMarkdown(invalid, { limit })).toBe(
      "### ⚠️ Preview could not be made\n\nThe machine or a registry did not do, so that nothing is known about the change.\n\n" +
        "```text\nerror[ENGINE_MISSING]: no Docker Engine answers\n```\n",
    );
  });

  it("leaves out logs first, and what failed last", () => {
    const long = { ...sampleVerdict, logs: sampleVerdict.logs.map((log) => ({ ...log, text: "x".repeat(20_000) })) };
    const markdown = previewMarkdown(long, { limit: 30_000 });
    expect(markdown.length).toBeLessThanOrEqual(30_000);
    expect(markdown).toContain("Log of <code>shop/cart-0/cart</code>");
    expect(markdown).not.toContain("Log of <code>shop/web-5d9c/web</code>");
    expect(previewMarkdown(long, { limit: 700 })).toContain("error[TEST_FAILED]");
  });

  it("shows whatever strangers wrote as code, and nowhere else", () => {
    const part = fc.constantFrom(
      "`",
      "```",
      "\n",
      "|",
      "@octocat",
      "<img src=x>",
      "](http://x)",
      "/close",
      "</details>",
      "a ",
    );
    const evil = fc.array(part, { maxLength: 8 }).map((parts) => `evil${parts.join("")}`);
    fc.assert(
      fc.property(evil, (text) => {
        const hostile = withTexts(sampleVerdict, () => text);
        const known = { ...hostile, verdict: sampleVerdict.verdict, phases: sampleVerdict.phases };
        const failure = { ...sampleVerdict.failure, part: "test", code: "TEST_FAILED", message: text } as const;
        expect(withoutCode(previewMarkdown({ ...known, failure }, { limit }))).not.toMatch(
          /@octocat|<img|http:|^\/close|`/m,
        );
      }),
    );
  });
});

/** What a reader of CommonMark takes for text: without fenced blocks, then without spans. */
function withoutCode(markdown: string): string {
  const lines: string[] = [];
  let fence = "";
  for (const line of markdown.split("\n")) {
    const [, ticks = "", info = ""] = /^(`{3,})(.*)$/.exec(line) ?? [];
    if (fence === "" && ticks !== "" && !info.includes("`")) fence = ticks;
    else if (fence === "") lines.push(line);
    else if (ticks.length >= fence.length && info === "") fence = "";
  }
  return lines.map((line) => line.replace(/(?<!`)(`+)(?!`)(.*?)(?<!`)\1(?!`)/g, "")).join("\n");
}
