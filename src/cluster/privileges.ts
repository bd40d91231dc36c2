import { KubefileError } from "../error.ts";

/**
 * What an engine says that starts no privileged containers: with user namespaces, behind an authorization plugin; and
 * what kind says of a rootless one that may not limit its containers.
 */
const refusals: readonly RegExp[] = [
  /privileged mode is incompatible with user namespace/i,
  /authorization denied by plugin/i,
  /privileged (?:containers|mode)\b.{0,40}\b(?:not allowed|not permitted|forbidden|disabled|denied)/i,
  /rootless provider requires/i,
];

/** The error of a machine whose engine cannot hold a cluster's nodes; undefined when the words say something else. */
export function privilegeRefusal(words: string): KubefileError | undefined {
  const line = words.split("\n").find((each) => refusals.some((refusal) => refusal.test(each)));
  if (line === undefined) return undefined;
  return new KubefileError(
    "ENGINE_MISSING",
    `the Docker Engine starts no privileged containers, which a cluster's nodes are: ${line.trim()}`,
    {
      hint:
        "use an engine that may (a runner or a dind service of its own, privileged); `kubefile build --capture static` " +
        "needs none, but finds only the images that files name, and launches nothing",
    },
  );
}
