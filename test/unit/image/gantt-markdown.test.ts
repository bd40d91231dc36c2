import { expect, it } from "vitest";
import { ganttMarkdown } from "../../../src/image/gantt-markdown.ts";

it("draws phases on an axis of seconds", () => {
  const phases = [
    { name: "kind cluster", start: 0.2504, seconds: 9.5 },
    { name: "write /tmp/a:b;c#d.tar", start: 9.75, seconds: 1 },
    { name: "too short to see", start: 10, seconds: 0.05 },
  ];
  expect(ganttMarkdown([{ name: "build", phases }])).toBe(
    [
      "```mermaid",
      "gantt",
      "  dateFormat x",
      "  axisFormat %s s",
      "  section build",
      "  kind cluster 9.5 s :250, 9750",
      "  write /tmp/a b c d.tar 1.0 s :9750, 10750",
      "```",
    ].join("\n"),
  );
});

it("tells the marks of a short axis apart", () => {
  const phases = [{ name: "push", start: 0.4, seconds: 0.9 }];
  expect(ganttMarkdown([{ name: "build", phases }])).toContain("\n  axisFormat %-S.%L s\n");
});

it("draws nothing when nothing took time", () => {
  expect(ganttMarkdown([{ name: "build", phases: [] }])).toBe("");
});
