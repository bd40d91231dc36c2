import { describe, expect, test } from "vitest";
import type { CapturedImage } from "../../../src/capture/types.ts";
import { type Digest, digestOf } from "../../../src/oci/digest.ts";
import { OCI_MANIFEST } from "../../../src/oci/media-types.ts";
import {
  decideRehearsal,
  knownDigests,
  type ReferenceState,
  referencesToAsk,
} from "../../../src/plan/rehearsal-decision.ts";

const [one, other] = [digestOf("one"), digestOf("other")];

function image(reference: string, digest: Digest = one): CapturedImage {
  return { reference, digest, mediaType: OCI_MANIFEST, size: 1, reasons: [] };
}

const record = {
  images: [image("docker.io/library/redis:7"), image(`ghcr.io/shop/web@${one}`), image("quay.io/shop/db:16")],
};

function states(...digests: readonly (readonly [string, ReferenceState])[]): ReadonlyMap<string, ReferenceState> {
  return new Map(digests);
}

describe("the references that must be asked for", () => {
  test("are those by tag", () => {
    expect(referencesToAsk(record, "changed")).toEqual(["docker.io/library/redis:7", "quay.io/shop/db:16"]);
  });
  test("are none of those that were built in this run", () => {
    expect(referencesToAsk(record, "changed", new Set(["quay.io/shop/db:16"]))).toEqual(["docker.io/library/redis:7"]);
  });
  test("are none with --pull never", () => {
    expect(referencesToAsk(record, "never")).toEqual([]);
  });
});

describe("a rehearsal of the same inputs", () => {
  const unmoved = states(["docker.io/library/redis:7", { digest: one }], ["quay.io/shop/db:16", { digest: one }]);

  test("is used when every tag stands for what it stood for", () => {
    expect(decideRehearsal({ record, pull: "changed", states: unmoved, lost: [] })).toEqual({ use: true });
  });
  test("is used without asking with --pull never", () => {
    expect(decideRehearsal({ record, pull: "never", states: states(), lost: [] })).toEqual({ use: true });
  });
  test("is not used when a tag has moved, and says from where to where", () => {
    const moved = states(["docker.io/library/redis:7", { digest: other }], ["quay.io/shop/db:16", { digest: one }]);
    expect(decideRehearsal({ record, pull: "changed", states: moved, lost: [] })).toEqual({
      use: false,
      reason: `docker.io/library/redis:7 moved from ${one} to ${other}`,
    });
  });
  test("is not used when a registry does not answer", () => {
    const silent = states(["docker.io/library/redis:7", { problem: "cannot be asked for: denied" }]);
    expect(decideRehearsal({ record, pull: "changed", states: silent, lost: [] })).toEqual({
      use: false,
      reason: "docker.io/library/redis:7 cannot be asked for: denied",
    });
  });
  test("is not used when a blob of it can be had nowhere", () => {
    const lost = ["the layer A of image B is nowhere", "the layer C of image B is nowhere"];
    expect(decideRehearsal({ record, pull: "never", states: states(), lost })).toEqual({
      use: false,
      reason: "the layer A of image B is nowhere, and 1 more",
    });
  });
  test("is not used with --pull always", () => {
    expect(decideRehearsal({ record, pull: "always", states: unmoved, lost: [] })).toEqual({
      use: false,
      reason: "--pull always",
    });
  });
});

describe("the digests that a rehearsal can be kept under", () => {
  test("are known when every state is", () => {
    expect(knownDigests(states(["a", { digest: one }], ["b", { digest: other }]))).toEqual(
      new Map([
        ["a", one],
        ["b", other],
      ]),
    );
    expect(
      knownDigests(states(["a", { digest: one }], ["b", { problem: "cannot be asked for: denied" }])),
    ).toBeUndefined();
  });
});
