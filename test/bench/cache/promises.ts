import type { CaseName, Series } from "./cases.ts";
import type { Measured } from "./measured-build.ts";

/** One thing that docs/performance.md promises, and what came instead where it was not kept. */
export interface Verdict {
  readonly about: CaseName;
  readonly promise: string;
  readonly broken: string | undefined;
}

/** Of the wall time of a cold build. */
const SHARE_UNCHANGED = 0.05;
const SHARE_NEW_RUNNER = 0.1;

/** Holds all builds of a case against what was promised of it; of wall times the medians. */
export function verdictsOn({ measured, moved }: Series, secondsOf: (name: CaseName) => number): readonly Verdict[] {
  const each = (about: CaseName, promise: string, wrong: (measured: Measured) => string | undefined): Verdict => ({
    about,
    promise,
    broken: measured[about].map(wrong).find((text) => text !== undefined),
  });
  const share = (about: CaseName, limit: number): Verdict => {
    const ratio = secondsOf(about) / secondsOf("cold");
    return {
      about,
      promise: `takes less than ${limit} of a cold build`,
      broken: ratio < limit ? undefined : `${ratio.toFixed(3)} of it`,
    };
  };
  const clusters = (about: CaseName, count: number): Verdict =>
    each(about, `starts ${count === 1 ? "one cluster" : "no cluster"}`, (one) =>
      one.clusters === count ? undefined : `${one.clusters} were started`,
    );
  const [cold] = measured.cold;
  const sameDigest = (about: CaseName): Verdict =>
    each(about, "makes what the cold build made", ({ digest }) => (digest === cold?.digest ? undefined : digest));
  const noBlobs = (about: CaseName): Verdict =>
    each(about, "moves no byte of a layer or config", ({ all: { blobs } }) =>
      blobs.down + blobs.up === 0 ? undefined : `${blobs.down} bytes down, ${blobs.up} up`,
    );
  const nothingFetched = (about: CaseName): Verdict =>
    each(about, "fetches no layer and no config from upstreams", ({ upstream, fetched }) =>
      upstream.blobs.down === 0 ? undefined : `${upstream.blobs.down} bytes: ${fetched.join(" ")}`,
    );
  return [
    ...[clusters("cold", 1)],
    ...[clusters("unchanged", 0), noBlobs("unchanged"), sameDigest("unchanged"), share("unchanged", SHARE_UNCHANGED)],
    each("unchanged", "reads no record from afar", ({ all: { records } }) =>
      records.down + records.up === 0 ? undefined : `${records.down} bytes down, ${records.up} up`,
    ),
    clusters("new runner, registry cache", 0),
    noBlobs("new runner, registry cache"),
    sameDigest("new runner, registry cache"),
    share("new runner, registry cache", SHARE_NEW_RUNNER),
    ...[clusters("rootfs changed", 1), nothingFetched("rootfs changed")],
    clusters("one image moved", 1),
    each("one image moved", "fetches what is new in that image, once, and nothing else", ({ fetched }) => {
      const wanted = moved.map(({ digest }) => digest).sort();
      return [...fetched].sort().join() === wanted.join() ? undefined : `${fetched.join(" ")}, not ${wanted.join(" ")}`;
    }),
    each("one image moved", "fetches as many bytes as those have", ({ upstream }) => {
      const bytes = moved.reduce((sum, { size }) => sum + size, 0);
      return upstream.blobs.down === bytes ? undefined : `${upstream.blobs.down} bytes, not ${bytes}`;
    }),
    ...[clusters("launch changed", 1), nothingFetched("launch changed")],
  ];
}
