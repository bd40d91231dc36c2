import { randomBytes } from "node:crypto";
import type { ServerResponse } from "node:http";
import { type HttpFixture, type SeenRequest, sendJson, startHttpFixture } from "./http-fixture.ts";

const SERVICE = "/twirp/github.actions.results.api.v1.CacheService/";

/** A job, as the service knows it by its token. */
export interface GhaJob {
  readonly token: string;
  /** Where it writes, and looks first: `refs/heads/topic`. */
  readonly scope: string;
  /** Scopes that it may read besides, in the order in which they are searched: the base and default branches. */
  readonly reads: readonly string[];
  /** False for jobs whose token may only read. */
  readonly mayWrite?: boolean;
}

export interface GhaCacheServer {
  /** ACTIONS_RESULTS_URL. */
  readonly url: string;
  readonly http: HttpFixture;
  /** Finished entries, oldest first. */
  readonly entries: () => readonly { readonly key: string; readonly scope: string; readonly version: string }[];
  /** Names of the calls so far, `PUT` and `GET` for the blob store. */
  readonly calls: () => readonly string[];
  /** The next answers to a call are these; later ones are as always. */
  fail(method: string, ...failures: readonly GhaFailure[]): void;
  /** Removes entries, as GitHub does after a week without use or when a repository has too many bytes. */
  evict(which: (key: string) => boolean): void;
  /** Removes the bytes of entries that are still listed, as between a look-up and its download. */
  loseContent(which: (key: string) => boolean): void;
  /** Replaces the bytes of entries. */
  spoil(which: (key: string) => boolean, change: (bytes: Buffer) => Buffer): void;
  /** Bytes that may be stored from now on; unlimited at first. */
  setQuota(bytes: number): void;
  close(): Promise<void>;
}

export interface GhaFailure {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
}

interface Entry {
  readonly key: string;
  readonly version: string;
  readonly scope: string;
  readonly signature: string;
  bytes: Buffer | undefined;
  finished: boolean;
}

/**
 * GitHub's cache service, version 2, as far as actions/toolkit and buildkit show it: twirp with JSON, tokens with
 * scopes, signed addresses of a block blob store. It takes nothing that the real one would refuse.
 */
export async function startGhaCacheServer(jobs: readonly GhaJob[]): Promise<GhaCacheServer> {
  const entries: Entry[] = [];
  const failures = new Map<string, GhaFailure[]>();
  const calls: string[] = [];
  let quota = Number.POSITIVE_INFINITY;

  const answer = (request: SeenRequest, response: ServerResponse): void => {
    const url = new URL(request.path, http.url);
    const method = url.pathname.startsWith(SERVICE) ? url.pathname.slice(SERVICE.length) : request.method;
    calls.push(method);
    const failure = failures.get(method)?.shift();
    if (failure !== undefined) {
      sendJson(response, failure.status, failure.body ?? { code: "unavailable", msg: "try later" }, failure.headers);
    } else if (url.pathname.startsWith("/blobs/")) {
      const { status, bytes = Buffer.alloc(0) } = blob(request, url);
      response.writeHead(status, { "content-length": bytes.byteLength }).end(bytes);
    } else {
      const { status, content } = call(request, url, method);
      sendJson(response, status, content);
    }
  };

  const call = (request: SeenRequest, url: URL, method: string): Reply => {
    if (!url.pathname.startsWith(SERVICE)) return twirpError(404, "bad_route", "no such service");
    const job = jobs.find(({ token }) => request.headers.authorization === `Bearer ${token}`);
    if (job === undefined) return twirpError(401, "unauthenticated", "bad token");
    if (request.method !== "POST" || request.headers["content-type"] !== "application/json") {
      return twirpError(404, "bad_route", "unexpected method or Content-Type");
    }
    const message = readMessage(request.body);
    if (message === undefined) return twirpError(400, "malformed", "the json request could not be decoded");
    const { key, version } = message;
    if (key === "" || key.length > 512 || key.includes(",") || !/^[0-9a-f]{64}$/.test(version)) {
      return twirpError(400, "invalid_argument", "invalid key or version");
    }
    if (method === "GetCacheEntryDownloadURL") return find(job, message);
    if (job.mayWrite === false) return twirpError(403, "permission_denied", "token may not write");
    if (method === "CreateCacheEntry") return create(job, message);
    if (method === "FinalizeCacheEntryUpload") return finish(job, message);
    return twirpError(404, "bad_route", "no such method");
  };

  /** In each scope the key itself, then the newest that begins like the restore keys, in their order. */
  const find = (job: GhaJob, { key, version, restoreKeys }: Message): Reply => {
    for (const scope of [job.scope, ...job.reads]) {
      const visible = entries.filter((entry) => entry.finished && entry.scope === scope && entry.version === version);
      const newest = visible.toReversed();
      const exact = newest.find((entry) => entry.key === key);
      const found =
        exact ?? restoreKeys.map((prefix) => newest.find((entry) => entry.key.startsWith(prefix))).find(Boolean);
      if (found === undefined) continue;
      const address = `${http.url}/blobs/${found.signature}?sig=${found.signature}&sp=r`;
      return { status: 200, content: { ok: true, signed_download_url: address, matched_key: found.key } };
    }
    return { status: 200, content: { ok: false, signed_download_url: "", matched_key: "" } };
  };

  const create = ({ scope }: GhaJob, { key, version }: Message): Reply => {
    if (entries.some((entry) => entry.key === key && entry.version === version && entry.scope === scope)) {
      return twirpError(409, "already_exists", "cache entry with the same key, version, and scope already exists");
    }
    if (quota <= 0) {
      // What actions/toolkit knows it by ("insufficient usage"); twirp's code for it is answered with 403.
      return twirpError(403, "resource_exhausted", "insufficient usage to create cache entry");
    }
    const signature = randomBytes(16).toString("hex");
    entries.push({ key, version, scope, signature, bytes: undefined, finished: false });
    const address = `${http.url}/blobs/${signature}?sig=${signature}&sp=cw`;
    return { status: 200, content: { ok: true, signed_upload_url: address } };
  };

  const finish = ({ scope }: GhaJob, { key, version, size }: Message): Reply => {
    const entry = entries.find(
      (entry) => !entry.finished && entry.key === key && entry.version === version && entry.scope === scope,
    );
    if (entry?.bytes === undefined) return twirpError(404, "not_found", "no such upload");
    if (String(entry.bytes.byteLength) !== size) return twirpError(400, "invalid_argument", "wrong size");
    entry.finished = true;
    quota -= entry.bytes.byteLength;
    return { status: 200, content: { ok: true, entry_id: String(entries.indexOf(entry) + 1) } };
  };

  /** Azure's "Put Blob" and "Get Blob". The address is all the authorization there is; another is refused. */
  const blob = (request: SeenRequest, url: URL): { readonly status: number; readonly bytes?: Buffer } => {
    const entry = entries.find(({ signature }) => url.pathname === `/blobs/${signature}`);
    const isSigned = entry !== undefined && url.searchParams.get("sig") === entry.signature;
    if (request.headers.authorization !== undefined || !isSigned) return { status: 403 };
    if (request.method === "GET") {
      return entry.bytes === undefined ? { status: 404 } : { status: 200, bytes: entry.bytes };
    }
    const isWhole = request.headers["content-length"] === String(request.body.byteLength);
    const isBlockBlob = request.method === "PUT" && request.headers["x-ms-blob-type"] === "BlockBlob";
    if (url.searchParams.get("sp") !== "cw" || !isWhole || !isBlockBlob) return { status: 400 };
    entry.bytes = request.body;
    return { status: 201 };
  };

  const http = await startHttpFixture(answer);
  return {
    url: `${http.url}/`,
    http,
    entries: () =>
      entries.filter(({ finished }) => finished).map(({ key, scope, version }) => ({ key, scope, version })),
    calls: () => calls,
    fail: (method, ...added) => failures.set(method, [...(failures.get(method) ?? []), ...added]),
    evict(which) {
      for (const entry of entries.filter(({ key }) => which(key))) entries.splice(entries.indexOf(entry), 1);
    },
    loseContent(which) {
      for (const entry of entries.filter(({ key }) => which(key))) entry.bytes = undefined;
    },
    spoil(which, change) {
      for (const entry of entries.filter(({ key }) => which(key))) entry.bytes = change(entry.bytes ?? Buffer.alloc(0));
    },
    setQuota(bytes) {
      quota = bytes;
    },
    close: () => http.close(),
  };
}

interface Message {
  readonly key: string;
  readonly version: string;
  readonly restoreKeys: readonly string[];
  readonly size: string;
}

function readMessage(body: Buffer): Message | undefined {
  try {
    const { key = "", version = "", restore_keys = [], size_bytes = "0" } = JSON.parse(body.toString("utf8"));
    return { key: String(key), version: String(version), restoreKeys: restore_keys, size: String(size_bytes) };
  } catch {
    return undefined;
  }
}

interface Reply {
  readonly status: number;
  readonly content: unknown;
}

function twirpError(status: number, code: string, msg: string): Reply {
  return { status, content: { code, msg } };
}
