import { canonicalHost } from "../oci/reference.ts";
import type { Credential, CredentialSource } from "./types.ts";

export const noCredentials: CredentialSource = { credentials: async () => [] };

/** All sources' credentials, in the order of the sources. */
export function combineCredentials(...sources: readonly CredentialSource[]): CredentialSource {
  return {
    async credentials(repository) {
      return (await Promise.all(sources.map((source) => source.credentials(repository)))).flat();
    },
  };
}

/**
 * A key of `auths` in docker's config without scheme and API version: `https://index.docker.io/v1/` is `docker.io`,
 * `https://ghcr.io/v2/team` is `ghcr.io/team`. Host and path, the latter empty or starting with a slash.
 */
export function parseAuthKey(key: string): { readonly host: string; readonly path: string } {
  const [, host = "", rest = ""] = /^(?:https?:\/\/)?([^/]*)(.*)$/is.exec(key.trim()) ?? [];
  const path = rest.replace(/^\/v[12](?=\/|$)/, "").replace(/\/+$/, "");
  return { host: canonicalHost(host), path };
}

/**
 * One entry of `auths`: `auth` (base64 of `name:password`) or the two apart, or an identity token. Undefined when it
 * holds none, as the empty entries that docker leaves for a credential helper.
 */
export function readAuthEntry(entry: unknown): Credential | undefined {
  if (typeof entry !== "object" || entry === null) return undefined;
  const fields = new Map<string, unknown>(Object.entries(entry));
  const text = (name: string): string => {
    const value = fields.get(name);
    return typeof value === "string" ? value : "";
  };
  const decoded = Buffer.from(text("auth"), "base64").toString("utf8");
  const colon = decoded.indexOf(":");
  // Docker pads passwords with NUL bytes.
  const username = colon > 0 ? decoded.slice(0, colon) : text("username");
  const password = colon > 0 ? decoded.slice(colon + 1).replace(/^\0+|\0+$/g, "") : text("password");
  const identityToken = text("identitytoken");
  if (identityToken !== "") return { username, password, identityToken };
  return username === "" && password === "" ? undefined : { username, password };
}
