import { KubefileError } from "../error.ts";
import { parseReference, type Reference } from "../oci/reference.ts";
import { listLocal } from "./local-tags.ts";

/** As `kubefile images` prints one, or more of it. `sha256:` marks what can be nothing else; so do all 64 digits. */
const digestPattern = /^(?:(sha256:)(?=[0-9a-f]{1,64}$)|(?=[0-9a-f]{12,64}$))([0-9a-f]+)$/;

/**
 * Reads what a user calls a cluster image: its name, or the digest of one that has a name here, perhaps only its first
 * twelve digits. Twelve digits that no image here begins with are a name like any other.
 *
 * @throws KubefileError USAGE for a digest that nothing or more than one thing here has, REFERENCE_INVALID
 */
export async function readNameHere(directory: string, text: string): Promise<Reference> {
  const [, prefix, digits = ""] = digestPattern.exec(text) ?? [];
  if (digits === "") return parseReference(text);
  const named = (await listLocal(directory)).filter(({ descriptor }) =>
    descriptor.digest.startsWith(`sha256:${digits}`),
  );
  const [first] = named;
  if (first === undefined) {
    if (prefix === undefined && digits.length < 64) return parseReference(text);
    throw new KubefileError("USAGE", `no cluster image with a name here has the digest ${text}`, {
      hint: "`kubefile images` lists them; `kubefile build -t NAME .` gives what it builds a name; one at a registry is NAME@sha256:DIGEST",
    });
  }
  if (new Set(named.map(({ descriptor }) => descriptor.digest)).size > 1) {
    throw new KubefileError("USAGE", `several cluster images here have digests that begin with ${digits}`, {
      hint: "write more of the digest, or a name: `kubefile images` lists them",
    });
  }
  const { host, path } = parseReference(first.reference);
  return { host, path, digest: first.descriptor.digest };
}
