import { describe, expect, it } from "vitest";
import { parseDigest } from "../../../src/oci/digest.ts";
import { verdictMarkdown } from "../../../src/pipeline/verdict-markdown.ts";
import type { Verdict } from "../../../src/pipeline/verify.ts";

const digest = parseDigest(`sha256:${"ab".repeat(32)}`);
const passed: Verdict = { verdict: "passed", reasons: [], digest, images: 12, pods: 8, phases: [] };
const name = `registry.example/shop@${digest}`;

describe("verdictMarkdown", () => {
  it("tells what was proven", () => {
    expect(verdictMarkdown(name, passed)).toBe(`\
### ✅ verified: it starts with the network cut

\`${name}\`

8 pods up, 12 images from the artifact alone.`);
  });

  it("tells why it was not, where to look, and how to see it again", () => {
    const failed: Verdict = { ...passed, verdict: "failed", reasons: ["the artifact lacks docker.io/shop/web:2.1"] };
    const pointers = { bundle: "[bundle](https://github.example)", reproduce: "npx kubefile-ci verify a" };
    expect(verdictMarkdown(name, failed, pointers)).toBe(`\
### ❌ not verified: it did not start with the network cut

\`${name}\`

\`\`\`text
the artifact lacks docker.io/shop/web:2.1
\`\`\`

Events, logs and objects of the run: [bundle](https://github.example)

The same on another machine:

\`\`\`sh
npx kubefile-ci verify a
\`\`\``);
  });

  it("keeps room on its page, however long a reason is", () => {
    const reasons = ["log line\n".repeat(200_000)];
    const text = verdictMarkdown(name, { ...passed, verdict: "failed", reasons });
    expect(text.length).toBeLessThan(65_000);
    expect(text).toMatch(/…\nthe log has all\n```$/);
  });
});
