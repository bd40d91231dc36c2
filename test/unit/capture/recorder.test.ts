import { describe, expect, it } from "vitest";
import { createPullRecorder } from "../../../src/capture/recorder.ts";
import { digestOf } from "../../../src/oci/digest.ts";
import { parseReference } from "../../../src/oci/reference.ts";
import type { PullEvent } from "../../../src/registry/types.ts";

const digest = digestOf("manifest");
const repository = { host: "ghcr.io", path: "shop/web" };
let seconds = 0;

function event(part: Partial<PullEvent>): PullEvent {
  seconds += 1;
  return {
    time: new Date(Date.UTC(2026, 0, 1) + seconds * 1000),
    kind: "manifest",
    method: "GET",
    repository,
    status: 200,
    bytes: 0,
    milliseconds: 1,
    client: "172.18.0.2",
    ...part,
  };
}

describe("the pull recorder", () => {
  it("keeps one entry a name, with what it resolved to", () => {
    const recorder = createPullRecorder();
    recorder.onEvent(event({ method: "HEAD", reference: "1", digest }));
    recorder.onEvent(event({ reference: digest, digest }));
    recorder.onEvent(event({ method: "HEAD", reference: "1", digest, client: "172.18.0.3" }));
    recorder.onEvent(event({ kind: "blob", digest: digestOf("layer") }));
    expect(
      recorder.pulls().map(({ reference, digests, count, clients }) => ({ reference, digests, count, clients })),
    ).toEqual([
      { reference: "1", digests: [digest], count: 2, clients: ["172.18.0.2", "172.18.0.3"] },
      { reference: digest, digests: [digest], count: 1, clients: ["172.18.0.2"] },
    ]);
  });

  it("remembers every digest of a tag that moves", () => {
    const recorder = createPullRecorder();
    for (const text of ["a", "a", "b"]) recorder.onEvent(event({ reference: "1", digest: digestOf(text) }));
    expect(recorder.pulls()[0]).toMatchObject({ digest: digestOf("b"), digests: [digestOf("a"), digestOf("b")] });
  });

  it("tells a failure until the same thing succeeds", () => {
    const recorder = createPullRecorder();
    const reference = parseReference("ghcr.io/shop/web:1");
    recorder.onEvent(event({ reference: "1", status: 404, error: "manifest unknown" }));
    expect(recorder.lastFailure(reference)).toMatchObject({ status: 404, message: "manifest unknown" });
    expect(recorder.lastFailure(parseReference("ghcr.io/shop/web:2"))).toBeUndefined();
    expect(recorder.lastNewPullAt).toBeUndefined();
    recorder.onEvent(event({ reference: "1", digest }));
    expect(recorder.lastFailure(reference)).toBeUndefined();
    expect(recorder.lastNewPullAt).toEqual(recorder.pulls()[0]?.last);
  });

  it("lays a failing blob, and the manifest that a tag resolved to, to the image", () => {
    const recorder = createPullRecorder();
    const reference = parseReference("ghcr.io/shop/web:1");
    recorder.onEvent(event({ reference: "1", digest }));
    recorder.onEvent(event({ reference: digest, status: 502, error: "upstream closed" }));
    expect(recorder.lastFailure(reference)).toMatchObject({ status: 502 });
    recorder.onEvent(event({ reference: digest, digest }));
    recorder.onEvent(event({ kind: "blob", digest: digestOf("layer"), status: 429, error: "slow down" }));
    expect(recorder.lastFailure(reference)).toMatchObject({ status: 429, message: "slow down" });
    recorder.onEvent(event({ kind: "blob", digest: digestOf("layer") }));
    expect(recorder.lastFailure(reference)).toBeUndefined();
  });

  it("leaves out the canary and requests for nothing in particular", () => {
    const recorder = createPullRecorder();
    recorder.onEvent(event({ repository: { host: "kubefile.invalid", path: "canary" }, reference: "x", status: 404 }));
    recorder.onEvent(event({ kind: "other", status: 200 }));
    recorder.onEvent(event({ kind: "token", reference: "x" }));
    expect(recorder.pulls()).toEqual([]);
  });
});
