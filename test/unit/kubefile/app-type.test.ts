import { describe, expect, it } from "vitest";
import { detectAppType } from "../../../src/kubefile/app-type.ts";

describe("detectAppType", () => {
  it.each([
    [["Chart.yaml", "templates/a.yaml", "values.yaml"], "helm"],
    [["Chart.yaml", "templates/a.yaml", "README.md", ".helmignore"], "helm"],
    [["mysql-1.2.3.tgz"], "helm"],
    [["mysql-1.2.3.tgz", "LICENSE"], "helm"],
    [["a.tgz", "b.tgz"], undefined],
    [["mysql-1.2.3.tgz", "values.yaml"], undefined],
    [["a.yaml", "sub/b.yml", "c.json"], "kube"],
    [["Chart.yaml", "values.yaml"], "kube"],
    [["a.yaml", "NOTICE.txt", "docs/README.md"], "kube"],
    [["run.sh", "lib/part.sh"], "shell"],
    [["run.sh", "a.yaml"], undefined],
    [["install"], undefined],
    [["README.md"], undefined],
    [[], undefined],
  ])("%j: %s", (files, expected) => {
    expect(detectAppType(files)).toBe(expected);
  });
});
