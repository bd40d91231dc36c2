/**
 * Which builds a record comes from. Records of builds of protected refs are kept apart from all others, in every place,
 * so that a release never reads what somebody could write who may not write to a protected ref (docs/adr).
 */
export const scopes = ["protected", "unprotected"] as const;
export type Scope = (typeof scopes)[number];

export function isScope(text: string): text is Scope {
  return scopes.some((scope) => scope === text);
}

/** What one build may read and write. */
export interface CacheTrust {
  /** In the order in which they are asked. */
  readonly reads: readonly Scope[];
  /** Undefined when the build writes nothing, not even into the local store. */
  readonly writes: Scope | undefined;
  /** Why so, for the output: "protected ref main". */
  readonly why: string;
}

/** By what name a build's names in the local store are known to other builds. */
export function nameGiver({ writes }: CacheTrust): Scope | "stranger" {
  return writes ?? "stranger";
}

/**
 * Whether a build takes for a base what another build has named in the local store. A name of an earlier version says
 * of nobody, and counts as one of an unprotected build.
 */
export function believesName({ reads, writes }: CacheTrust, givenBy: string | undefined): boolean {
  if (givenBy === "protected") return true;
  return reads.includes("unprotected") && (givenBy !== "stranger" || writes === undefined);
}

/** A machine outside of CI, and branches that anybody with write access may push to. */
export function unprotectedTrust(why: string): CacheTrust {
  return { reads: ["protected", "unprotected"], writes: "unprotected", why };
}

/** Releases and protected refs. */
export function protectedTrust(why: string): CacheTrust {
  return { reads: ["protected"], writes: "protected", why };
}

/** The same, writing nothing: what strangers wrote is built. */
export function readOnly(trust: CacheTrust, why: string): CacheTrust {
  return { ...trust, writes: undefined, why };
}
