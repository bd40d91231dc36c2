import { describe, expect, it } from "vitest";
import { digestOf } from "../../../src/oci/digest.ts";
import { parseImageConfig } from "../../../src/oci/image-config.ts";

const diffIds = [digestOf("a"), digestOf("b")];

function parse(value: unknown) {
  return parseImageConfig(Buffer.from(typeof value === "string" ? value : JSON.stringify(value)), "shop:1");
}

describe("parseImageConfig", () => {
  it("reads environment, labels, author and layers", () => {
    const config = { Env: ["A=1=2", "B=", "=odd", "odd", 7], Labels: { l: "1", n: 2 }, Cmd: ["x"] };
    expect(parse({ author: "A", config, rootfs: { type: "layers", diff_ids: diffIds }, history: [] })).toEqual({
      env: { A: "1=2", B: "" },
      labels: { l: "1" },
      author: "A",
      diffIds,
    });
  });

  it("takes null for absent, as Docker writes it", () => {
    const config = { Env: null, Labels: null };
    expect(parse({ author: "", config, rootfs: { diff_ids: [] } })).toEqual({ env: {}, labels: {}, diffIds: [] });
  });

  it.each([
    ["text", "no json", "it is not JSON"],
    ["a chart's config", { name: "shop", version: "1" }, "it names no layers"],
    ["layers without digests", { rootfs: { diff_ids: ["sha256:1"] } }, "its diff_ids are no list of sha256 digests"],
  ])("refuses %s", (_, value, why) => {
    expect(() => parse(value)).toThrow(
      expect.objectContaining({ code: "ARTIFACT_INVALID", message: `the config of shop:1 is not an image's: ${why}` }),
    );
  });
});
