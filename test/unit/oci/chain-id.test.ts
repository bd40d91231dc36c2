import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import { chainId } from "../../../src/oci/chain-id.ts";
import { digestOf } from "../../../src/oci/digest.ts";

const [one, two, three] = [digestOf("one"), digestOf("two"), digestOf("three")];
const sha256 = (text: string): string => `sha256:${createHash("sha256").update(text).digest("hex")}`;

test("a chain of layers is named as the image-spec says", () => {
  expect(chainId([])).toBeUndefined();
  expect(chainId([one])).toBe(one);
  expect(chainId([one, two, three])).toBe(sha256(`${sha256(`${one} ${two}`)} ${three}`));
});
