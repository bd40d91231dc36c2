import { OCI_MANIFEST } from "../../src/oci/media-types.ts";
import { type HttpFixture, type SeenRequest, sendJson, startHttpFixture } from "./http-fixture.ts";

/** What every image of a locked registry is. */
export const lockedManifest = Buffer.from('{"schemaVersion":2}');

export interface TokenService {
  /** Answers token requests: a token, or a status to refuse with. */
  readonly grant: (request: SeenRequest, scopes: readonly string[]) => string | number;
  /** Whether a request with this `Authorization` may have what it asks for; a status if not. */
  readonly admit: (authorization: string | undefined, request: SeenRequest) => true | number;
  /** Of the token service; the registry's own `/token` when absent. */
  readonly realm?: string;
  readonly lifetime?: number;
}

/** A registry with a token service of its own. */
export async function startTokenRegistry(service: TokenService): Promise<HttpFixture> {
  return startHttpFixture((request, response) => {
    const url = new URL(request.path, "http://registry");
    if (url.pathname === "/token") {
      const scopes = request.method === "GET" ? url.searchParams.getAll("scope") : [];
      const granted = service.grant(request, scopes);
      if (typeof granted === "number") sendJson(response, granted, { details: "incorrect username or password" });
      else sendJson(response, 200, { token: granted, expires_in: service.lifetime ?? 300 });
      return;
    }
    const admitted = service.admit(request.headers.authorization, request);
    if (admitted === true) response.writeHead(200, { "content-type": OCI_MANIFEST }).end(lockedManifest);
    else {
      const realm = service.realm ?? `http://${request.headers.host}/token`;
      const scope = `repository:${url.pathname.slice("/v2/".length).split("/manifests/")[0]}:pull`;
      const challenge = `Bearer realm="${realm}",service="the registry",scope="${scope}"`;
      sendJson(
        response,
        admitted,
        { errors: [{ code: "DENIED", message: "not you" }] },
        { "www-authenticate": challenge },
      );
    }
  });
}
