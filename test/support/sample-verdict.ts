import { parseDigest } from "../../src/oci/digest.ts";
import type { PreviewVerdict } from "../../src/pipeline/preview-verdict.ts";

/** A preview whose test failed, with something in every place. */
export const sampleVerdict: PreviewVerdict = {
  schemaVersion: 1,
  verdict: "failed",
  failure: {
    part: "test",
    code: "TEST_FAILED",
    message: 'test "npm run e2e" ended with exit code 7',
    hint: "its output tells why; --verdict FILE and --comment FILE keep it, with the pods and their logs",
  },
  image: {
    digest: parseDigest(`sha256:${"ab".repeat(32)}`),
    size: 48_234_567,
    grade: "ready",
    images: 12,
    references: ["registry.example/shop:pr-12"],
  },
  test: { command: "npm run e2e", exitCode: 7, seconds: 12.3, output: "1 of 8 failed" },
  pods: [
    {
      namespace: "shop",
      name: "cart-0",
      status: "CrashLoopBackOff",
      healthy: false,
      ready: "0/1",
      restarts: 3,
      message: "back-off restarting",
    },
    { namespace: "shop", name: "web-5d9c", status: "Running", healthy: true, ready: "1/1", restarts: 0 },
  ],
  events: [{ object: "pod shop/cart-0", reason: "BackOff", message: "Back-off restarting failed container", count: 4 }],
  logs: [
    { namespace: "shop", pod: "cart-0", container: "cart", text: "no database\n", previous: true },
    { namespace: "shop", pod: "web-5d9c", container: "web", text: "listening\n", previous: false },
  ],
  phases: [
    { part: "build", name: "kind cluster", start: 0.25, seconds: 9.5 },
    { part: "launch", name: "offline launch", start: 20, seconds: 12 },
    { part: "test", name: "test", start: 32, seconds: 12.3 },
  ],
};
