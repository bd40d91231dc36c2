/** Major, minor, patch. */
export type KubernetesVersion = readonly [number, number, number];

/** Reads `v1.34.4`, `1.34.4` and with a suffix; undefined for anything else. */
export function parseKubernetesVersion(text: string): KubernetesVersion | undefined {
  const match = /^v?(\d+)\.(\d+)\.(\d+)(?:[-+].*)?$/.exec(text);
  return match === null ? undefined : [Number(match[1]), Number(match[2]), Number(match[3])];
}

export function formatKubernetesVersion(version: KubernetesVersion): string {
  return `v${version.join(".")}`;
}

export function compareVersions(one: KubernetesVersion, other: KubernetesVersion): number {
  return one[0] - other[0] || one[1] - other[1] || one[2] - other[2];
}

/** What KUBEVERSION asks for. */
export interface VersionWish {
  /** As written. */
  readonly text: string;
  /** The one version it names, when it names one whole version. */
  readonly exact: KubernetesVersion | undefined;
  accepts(version: KubernetesVersion): boolean;
}

type Test = (version: KubernetesVersion) => boolean;

/**
 * Reads a wish: `v1.34` and `1.34.x` (any patch), `1.34.4` (that one), comparisons `>=1.19`, `<1.35`, `~1.34`, several
 * of them together, and alternatives behind `||`. Undefined when it is none of these.
 */
export function parseVersionWish(text: string): VersionWish | undefined {
  const alternatives: Test[] = [];
  for (const alternative of text.split("||")) {
    const terms = alternative
      .replace(/([<>=~^]+)\s+/g, "$1")
      .split(/[\s,]+/)
      .filter((term) => term !== "");
    const tests = terms.map(parseTerm);
    if (tests.length === 0 || !tests.every((test) => test !== undefined)) return undefined;
    alternatives.push((version) => tests.every((test) => test(version)));
  }
  return {
    text,
    exact: parseKubernetesVersion(text.trim().replace(/^==?\s*/, "")),
    accepts: (version) => alternatives.some((test) => test(version)),
  };
}

function parseTerm(term: string): Test | undefined {
  const match = /^(>=|<=|>|<|==?|~>?|\^)?v?(\d+)(?:\.(\d+|x|\*))?(?:\.(\d+|x|\*))?$/i.exec(term);
  if (match === null) return undefined;
  const [, operator = "=", major = "", minor, patch] = match;
  const number = (part: string | undefined): number | undefined =>
    /^\d+$/.test(part ?? "") ? Number(part) : undefined;
  const lowest: KubernetesVersion = [Number(major), number(minor) ?? 0, number(patch) ?? 0];
  const next = successor(lowest, number(minor) === undefined ? 0 : number(patch) === undefined ? 1 : 2);
  const reaches: Test = (version) => compareVersions(version, lowest) >= 0;
  const passes: Test = (version) => compareVersions(version, next) >= 0;
  switch (operator) {
    case ">=":
      return reaches;
    case ">":
      return passes;
    case "<":
      return (version) => !reaches(version);
    case "<=":
      return (version) => !passes(version);
    case "^":
      return (version) => reaches(version) && version[0] === lowest[0];
    case "~":
    case "~>":
      return (version) =>
        reaches(version) && version[0] === lowest[0] && (number(minor) === undefined || version[1] === lowest[1]);
    default:
      return (version) => reaches(version) && !passes(version);
  }
}

/** The first version that `place` (0 major, 1 minor, 2 patch) counted up by one leads to. */
function successor([major, minor, patch]: KubernetesVersion, place: 0 | 1 | 2): KubernetesVersion {
  if (place === 0) return [major + 1, 0, 0];
  return place === 1 ? [major, minor + 1, 0] : [major, minor, patch + 1];
}
