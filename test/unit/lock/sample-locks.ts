import fc from "fast-check";
import type { Lock, LockedImage } from "../../../src/lock/types.ts";
import { lockRoles } from "../../../src/lock/types.ts";
import { type Digest, digestOf } from "../../../src/oci/digest.ts";
import { formatReference, parseReference } from "../../../src/oci/reference.ts";

export function locked(name: string, content: string, more: Partial<LockedImage> = {}): LockedImage {
  return { reference: formatReference(parseReference(name)), digest: digestOf(content), role: "captured", ...more };
}

/** In the order of a written lock. */
export const sampleLock: Lock = {
  images: [
    locked("nginx:1.27", "nginx", { grade: "ready" }),
    locked("[::1]:5000/shop/op:v2", "operator", { grade: "ready" }),
    locked(`quay.io/shop/web@${digestOf("web")}`, "web", { grade: "ready" }),
    locked("quay.io/shop/web:2", "web", { grade: "ready" }),
    locked("ghcr.io/shop/base:1", "base", { role: "base" }),
    locked("ghcr.io/kubefile-ci/tools:0.1.0", "tools", { role: "run" }),
    locked("kindest/node:v1.34.4", "node", { role: "node" }),
  ].sort((one, other) => {
    const rank = ({ role }: LockedImage): number => lockRoles.indexOf(role);
    return rank(one) - rank(other) || (one.reference < other.reference ? -1 : 1);
  }),
};

const word = fc.stringMatching(/^[a-z][a-z0-9]{0,8}$/);
const host = fc.constantFrom("docker.io", "quay.io", "registry.example:5000", "localhost", "[fd00::1]:5000");
const tag = fc.stringMatching(/^[\w][\w.-]{0,12}$/);
const digest = fc.nat({ max: 20 }).map((seed): Digest => digestOf(String(seed)));

const image = fc
  .record({ host, path: fc.tuple(word, word), tag: fc.option(tag, { nil: undefined }), digest })
  .map(({ host, path, tag, digest }) => ({
    host,
    path: path.join("/"),
    digest,
    ...(tag === undefined ? {} : { tag }),
  }));

/** Any lock: each tag with one digest, each name once in a role. */
export const locks: fc.Arbitrary<Lock> = fc
  .array(fc.record({ image, role: fc.constantFrom(...lockRoles), grade: fc.constantFrom("ready", "pulled", "static") }))
  .map((drafts) => {
    const digests = new Map<string, Digest>();
    const images = new Map<string, LockedImage>();
    for (const { image, role, grade } of drafts) {
      const { digest, ...name } = image;
      const reference = formatReference(name.tag === undefined ? image : name);
      const known = digests.get(reference) ?? digest;
      digests.set(reference, known);
      images.set(`${role} ${reference}`, {
        reference,
        digest: known,
        role,
        ...(role === "captured" ? { grade } : {}),
      });
    }
    return { images: [...images.values()] };
  });
