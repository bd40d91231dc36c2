import { describe, expect, it } from "vitest";
import { KubefileError } from "../../../src/error.ts";
import { missingNote, withMissing } from "../../../src/pipeline/missing-images.ts";

const digest = `sha256:${"a".repeat(64)}`;
const missing = [
  { repository: "quay.io/shop/db", reference: digest },
  { repository: "docker.io/shop/web", reference: "2" },
  { repository: "docker.io/shop/web", reference: "2" },
];

describe("images that nodes asked an artifact for in vain", () => {
  it("are told first when the launch failed", () => {
    const failed = new KubefileError("NOT_SETTLED", "pod shop/web is not ready", {
      where: { file: "Kubefile", line: 2 },
    });
    const told = withMissing(failed, missing);
    expect(told).toMatchObject({ code: "VERIFY_FAILED", where: failed.where, cause: failed });
    expect(told.message).toBe(
      `the artifact lacks docker.io/shop/web:2, quay.io/shop/db@${digest}\npod shop/web is not ready`,
    );
    expect(told.hint).toContain("--exclude");
    expect(withMissing(failed, [])).toBe(failed);
  });

  it("are told, too, when it came up without them", () => {
    expect(missingNote(missing)).toBe(
      `the artifact lacks docker.io/shop/web:2, quay.io/shop/db@${digest}, which nodes asked for; the launch came up without`,
    );
    expect(missingNote([])).toBeUndefined();
  });
});
