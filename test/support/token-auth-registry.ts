import { createSign, randomUUID, X509Certificate } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Certificate, makeCertificate } from "./certificate.ts";
import { type DockerRegistry, startDockerRegistry } from "./docker-registry.ts";
import { type HttpFixture, type SeenRequest, sendJson, startHttpFixture } from "./http-fixture.ts";

const SERVICE = "test registry";
const ISSUER = "test issuer";

export interface TokenUser {
  readonly username: string;
  readonly password: string;
  /** Taken instead of the password in a POST (OAuth2's refresh token). */
  readonly identityToken?: string;
  /** Repositories this user may read and write. */
  readonly repositories: readonly string[];
}

export interface TokenAuthOptions {
  readonly users: readonly TokenUser[];
  /** Repositories that anybody may read. */
  readonly publicRepositories?: readonly string[];
  /** Seconds a token lives. */
  readonly lifetime?: number;
}

export interface TokenAuthRegistry extends DockerRegistry {
  /** The token service, which is another server. */
  readonly tokens: HttpFixture;
}

interface Access {
  readonly type: string;
  readonly name: string;
  readonly actions: readonly string[];
}

/** Debian's docker-registry behind a token service, as the big registries are: Bearer tokens, signed and scoped. */
export async function startTokenAuthRegistry(options: TokenAuthOptions): Promise<TokenAuthRegistry> {
  const directory = await mkdtemp(join(tmpdir(), "kubefile-tokens-"));
  const signer = await makeCertificate(directory, ["tokens.test"]);
  const tokens = await startHttpFixture((request, response) => {
    const asked = readTokenRequest(request);
    const user = asked.isAnonymous ? undefined : options.users.find(asked.matches);
    if (user === undefined && !asked.isAnonymous) {
      sendJson(response, 401, { details: "incorrect username or password" });
      return;
    }
    const lifetime = options.lifetime ?? 300;
    const token = signToken(signer, user?.username ?? "", grant(asked.scopes, user, options), lifetime);
    sendJson(response, 200, { token, access_token: token, expires_in: lifetime });
  });
  const registry = await startDockerRegistry({
    token: { realm: `${tokens.url}/token`, service: SERVICE, issuer: ISSUER, rootcertbundle: signer.certificateFile },
  });
  return {
    ...registry,
    tokens,
    async stop() {
      await Promise.all([registry.stop(), tokens.close()]);
      await rm(directory, { recursive: true, force: true });
    },
  };
}

/** distribution's token specification (GET) and OAuth2 specification (POST). */
function readTokenRequest(request: SeenRequest): {
  readonly scopes: readonly string[];
  readonly isAnonymous: boolean;
  readonly matches: (user: TokenUser) => boolean;
} {
  if (request.method === "POST") {
    const form = new URLSearchParams(request.body.toString());
    return {
      scopes: (form.get("scope") ?? "").split(" "),
      isAnonymous: false,
      matches: (user) => user.identityToken !== undefined && user.identityToken === form.get("refresh_token"),
    };
  }
  const { authorization } = request.headers;
  return {
    scopes: new URL(request.path, "http://tokens").searchParams.getAll("scope"),
    isAnonymous: authorization === undefined,
    matches: ({ username, password }) =>
      authorization === `Basic ${Buffer.from(`${username}:${password}`).toString("base64")}`,
  };
}

/** What of the scopes is granted; the rest is left out, as real services do. */
function grant(scopes: readonly string[], user: TokenUser | undefined, options: TokenAuthOptions): Access[] {
  return scopes.flatMap((scope) => {
    const [, type, name, actions] = /^(\w+):(.+):([^:]*)$/.exec(scope) ?? [];
    if (type === undefined || name === undefined || actions === undefined) return [];
    const mayWrite = user?.repositories.includes(name) === true;
    const mayRead = mayWrite || options.publicRepositories?.includes(name) === true;
    const granted = actions.split(",").filter((action) => mayWrite || (mayRead && action === "pull"));
    return granted.length === 0 ? [] : [{ type, name, actions: granted }];
  });
}

function signToken(signer: Certificate, subject: string, access: readonly Access[], lifetime: number): string {
  const now = Math.floor(Date.now() / 1000);
  const certificate = new X509Certificate(signer.certificate).raw.toString("base64");
  const parts = [
    { typ: "JWT", alg: "RS256", x5c: [certificate] },
    {
      iss: ISSUER,
      sub: subject,
      aud: SERVICE,
      iat: now,
      nbf: now - 10,
      exp: now + lifetime,
      jti: randomUUID(),
      access,
    },
  ].map((part) => Buffer.from(JSON.stringify(part)).toString("base64url"));
  const signature = createSign("RSA-SHA256").update(parts.join(".")).sign(signer.key).toString("base64url");
  return [...parts, signature].join(".");
}
