import type { ReasonSource } from "../../../src/capture/types.ts";
import type { Internet } from "./internet.ts";

/** What the capture of examples/shop has to say about one image. */
export interface ExpectedImage {
  readonly reference: string;
  readonly digest: string;
  /** Each is the text of one reason, or matches it where a pod's name is made up by the cluster. */
  readonly reasons: readonly (string | RegExp)[];
  /** A reason from here would be wrong. */
  readonly never: readonly ReasonSource[];
}

type Expectation = Pick<ExpectedImage, "reasons"> & Partial<Pick<ExpectedImage, "never">>;

const expectations: Readonly<Record<string, Expectation>> = {
  "docker.io/shop/cart:1.9": { reasons: [/^pulled by pod shop\/cart-\w+-\w+ container cart$/] },
  "docker.io/shop/migrate:1.9": {
    reasons: [
      /^pulled by pod shop\/cart-migration-\w+ container migrate$/,
      "Helm hook post-install,post-upgrade Job shop/cart-migration container migrate",
    ],
  },
  "docker.io/shop/tool:1": {
    reasons: [
      /^pulled by pod shop\/web-\w+-\w+ init container wait-for-db$/,
      /^pulled by pod shop\/web-\w+-\w+ init container warm-up$/,
    ],
  },
  "docker.io/shop/web:2.1": { reasons: [/^pulled by pod shop\/web-\w+-\w+ container web$/] },
  // No file names it: neither its registry nor its path.
  "ghcr.io/shop/catalog-indexer:7": {
    reasons: [
      "pulled by pod shop/catalog-spring container indexer",
      "created by operator Deployment shop/catalog-operator",
      "created for Catalog shop/spring",
    ],
    never: ["static"],
  },
  "quay.io/shop/catalog-operator:0.4": {
    reasons: [/^pulled by pod shop\/catalog-operator-\w+-\w+ container operator$/],
  },
  "quay.io/shop/db:16.3": { reasons: ["pulled by pod shop/db-0 container db"] },
  "quay.io/shop/exporter:1.8": { reasons: ["pulled by pod shop/db-0 container exporter"] },
  // These three the node never asks for.
  "quay.io/shop/gpu-metrics:0.9": {
    reasons: ["pod template of DaemonSet shop/gpu-metrics container metrics (selects no node)"],
    never: ["pulled"],
  },
  "quay.io/shop/tool:1": {
    reasons: [/^pod template of CronJob shop\/db-backup container backup\b/],
    never: ["pulled"],
  },
  "registry.k8s.io/pause:3.10": {
    reasons: [/^used by pod shop\/headroom-\w+-\w+ container pause \(the node held it\)$/],
    never: ["pulled"],
  },
  "registry.shop.test:5000/billing/api:3.2": {
    reasons: [/^pulled by pod shop\/billing-\w+-\w+ container api$/],
  },
};

/** Manifests pin these: the capture tells the reference as written. */
const pinned = new Set(["quay.io/shop/exporter:1.8"]);

/**
 * The capture of examples/shop, sorted by reference, with the digests that the registries hold: nothing more and
 * nothing less may be in it.
 *
 * @param internet with a node image, else it holds no pause
 */
export function expectedShopImages(internet: Pick<Internet, "images">): readonly ExpectedImage[] {
  const digests = new Map(internet.images.map(({ reference, digest }) => [reference, digest]));
  return Object.entries(expectations)
    .map(([name, { reasons, never = [] }]) => {
      const digest = digests.get(name);
      if (digest === undefined) throw new Error(`no registry holds ${name}`);
      return { reference: pinned.has(name) ? `${name}@${digest}` : name, digest, reasons, never };
    })
    .sort((one, other) => (one.reference < other.reference ? -1 : 1));
}
