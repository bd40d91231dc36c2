import type { TokenAuthRegistry, TokenUser } from "./token-auth-registry.ts";

/** The tags of one repository, as seen and set by plain HTTP. */
export interface Tags {
  list(): Promise<readonly string[]>;
  digestOf(tag: string): Promise<string | null>;
  /** The commit that an image says it was built from. */
  revisionOf(tag: string): Promise<string | undefined>;
  /** Makes a second tag of one that is there. */
  copy(tag: string, target: string): Promise<void>;
}

const manifestType = "application/vnd.oci.image.manifest.v1+json";

export function tagsOf(registry: TokenAuthRegistry, path: string, user: TokenUser): Tags {
  const ask = async (method: string, below: string, more: RequestInit = {}): Promise<Response> => {
    const basic = Buffer.from(`${user.username}:${user.password}`).toString("base64");
    const scope = `repository:${path}:pull,push`;
    const answer = await fetch(`${registry.tokens.url}/token?scope=${scope}`, {
      headers: { authorization: `Basic ${basic}` },
    });
    const { token }: { readonly token: string } = JSON.parse(await answer.text());
    const headers = { accept: manifestType, authorization: `Bearer ${token}`, ...more.headers };
    const response = await fetch(`${registry.url}/v2/${path}/${below}`, { ...more, method, headers });
    const isUnknown = response.status === 404 && below === "tags/list";
    if (!response.ok && !isUnknown) throw new Error(`${method} ${below}: ${response.status} ${await response.text()}`);
    return response;
  };
  return {
    async list() {
      const answer = await (await ask("GET", "tags/list")).text();
      // Before its first tag a registry knows no repository, and answers with errors.
      const { tags }: { readonly tags?: readonly string[] | null } = JSON.parse(answer);
      return [...(tags ?? [])].sort();
    },
    digestOf: async (tag) => (await ask("HEAD", `manifests/${tag}`)).headers.get("docker-content-digest"),
    async revisionOf(tag) {
      const text = await (await ask("GET", `manifests/${tag}`)).text();
      const manifest: { annotations: Record<string, string> } = JSON.parse(text);
      return manifest.annotations["org.opencontainers.image.revision"];
    },
    async copy(tag, target) {
      const body = await (await ask("GET", `manifests/${tag}`)).text();
      await ask("PUT", `manifests/${target}`, { body, headers: { "content-type": manifestType } });
    },
  };
}
