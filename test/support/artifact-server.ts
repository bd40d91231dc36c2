import type { ServerResponse } from "node:http";
import { type SeenRequest, sendJson, startHttpFixture } from "./http-fixture.ts";

/** GitHub's service of artifacts, as far as an upload needs it, with the storage behind it. */
export interface ArtifactServer {
  /** ACTIONS_RESULTS_URL. */
  readonly url: string;
  /** ACTIONS_RUNTIME_TOKEN: the service takes no other. */
  readonly token: string;
  /** Those that were finished, as zip archives. */
  readonly artifacts: ReadonlyMap<string, Buffer>;
  close(): Promise<void>;
}

const SERVICE = "/twirp/github.actions.results.api.v1.ArtifactService/";
const base64url = (value: object): string => Buffer.from(JSON.stringify(value)).toString("base64url");

/** @param id what the service calls the first artifact */
export async function startArtifactServer(id: number): Promise<ArtifactServer> {
  const token = `${base64url({ alg: "none" })}.${base64url({ scp: "Actions.Results:run-1:job-1" })}.signature`;
  const uploads = new Map<string, Map<string, Buffer>>();
  const artifacts = new Map<string, Buffer>();
  const answer = ({ method, path, headers, body }: SeenRequest, response: ServerResponse): void => {
    const { pathname, searchParams } = new URL(path, http.url);
    const blocks = uploads.get(pathname);
    if (method === "PUT" && blocks !== undefined) {
      if (searchParams.get("comp") === "block") blocks.set(searchParams.get("blockid") ?? "", body);
      response.writeHead(201).end();
      return;
    }
    if (headers.authorization !== `Bearer ${token}` || !pathname.startsWith(SERVICE)) {
      response.writeHead(401).end();
      return;
    }
    const message: { readonly name: string; readonly size?: string } = JSON.parse(body.toString());
    const blob = `/blobs/${message.name}`;
    if (pathname.endsWith("/CreateArtifact")) {
      uploads.set(blob, new Map());
      sendJson(response, 200, { ok: true, signed_upload_url: `${http.url}${blob}?sig=canary-5ee7` });
      return;
    }
    const bytes = Buffer.concat([...(uploads.get(blob)?.values() ?? [])]);
    const isWhole = String(bytes.length) === message.size;
    if (isWhole) artifacts.set(message.name, bytes);
    sendJson(response, 200, { ok: isWhole, artifact_id: String(id + artifacts.size - 1) });
  };
  const http = await startHttpFixture(answer);
  return { url: `${http.url}/`, token, artifacts, close: () => http.close() };
}
