import { isIP } from "node:net";

/**
 * Suffixes under which strangers live side by side: a neighbour's realm must not see our credentials. This stands in
 * for the public suffix list; a registry under a suffix that is missing here is still bound to its last two labels.
 */
const sharedSuffixes: readonly string[] = [
  "amazonaws.com",
  "amazonaws.com.cn",
  "appspot.com",
  "azurecr.cn",
  "azurecr.io",
  "azurecr.us",
  "azurewebsites.net",
  "cloudapp.azure.com",
  "cloudfront.net",
  "duckdns.org",
  "fly.dev",
  "github.io",
  "gitlab.io",
  "herokuapp.com",
  "jfrog.io",
  "netlify.app",
  "ngrok-free.app",
  "ngrok.app",
  "ngrok.io",
  "nip.io",
  "ondigitalocean.app",
  "onrender.com",
  "pages.dev",
  "pkg.dev",
  "railway.app",
  "run.app",
  "sslip.io",
  "trycloudflare.com",
  "vercel.app",
  "web.app",
  "workers.dev",
];

/** Second-level labels under which country registries give out names: `co.uk`, `com.au`, `gov.in`. */
const secondLevel = /^(?:ac|co|com|edu|gob|gouv|gov|govt|id|mil|ne|net|nom|or|org|school|sch|web)$/;

/** True when both host names belong to one owner: equal, or of the same registrable domain. Ports do not count. */
export function isSameSite(one: string, other: string): boolean {
  const a = one.toLowerCase();
  const b = other.toLowerCase();
  if (a === b) return true;
  const domain = registrableDomain(a);
  return domain !== undefined && domain === registrableDomain(b);
}

/** The part of a name that its owner registered; nothing for addresses, single labels and shared suffixes. */
export function registrableDomain(host: string): string | undefined {
  if (isIP(host.replace(/^\[|\]$/g, "")) !== 0) return undefined;
  if (sharedSuffixes.some((suffix) => host === suffix || host.endsWith(`.${suffix}`))) return undefined;
  const labels = host.replace(/\.$/, "").split(".");
  const [top = "", second = ""] = labels.slice(-2).reverse();
  // Under a country's domain a short second label is more likely the country's than an owner's.
  const kept = top.length === 2 && (secondLevel.test(second) || second.length <= 2) ? 3 : 2;
  return labels.length < kept ? undefined : labels.slice(-kept).join(".");
}

/**
 * Whether credentials meant for `registry` may go to the token service at `realm` (CVE-2026-33540): only over https
 * unless the registry itself is configured for plain http, and only to the registry's own host or domain.
 * `docker.io` with `auth.docker.io` and `registry.gitlab.com` with `gitlab.com` fall under the latter.
 */
export function isTrustedRealm(registry: URL, realm: URL): boolean {
  if (realm.username !== "" || realm.password !== "") return false;
  if (realm.protocol !== "https:" && !(realm.protocol === "http:" && registry.protocol === "http:")) return false;
  return isSameSite(registry.hostname, realm.hostname);
}
