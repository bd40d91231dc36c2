import { readBody } from "../registry/answer-body.ts";
import type { Dialer } from "../registry/dialer.ts";
import { Secret } from "../registry/secret.ts";
import { discard } from "../registry/transport.ts";
import { UpstreamFailure } from "../registry/upstream-failure.ts";
import { createGhaExchange, type GhaRequest, refusal, said } from "./gha-exchange.ts";

/** What a job of GitHub Actions is told of the cache service. */
export interface GhaAccess {
  /** ACTIONS_RESULTS_URL. */
  readonly url: URL;
  /** ACTIONS_RUNTIME_TOKEN. */
  readonly token: Secret;
  readonly dialer: Dialer;
  readonly userAgent: string;
  /** From 0 up to 1, for pauses; Math.random when absent. */
  readonly random?: () => number;
}

/** GitHub's cache service, version 2: twirp calls with JSON, and signed addresses of a blob store for the bytes. */
export interface GhaService {
  /** The entry of `key`, or else the newest whose key begins with `prefix`, of this branch or one that it may read. */
  find(key: string, prefix: string, signal: AbortSignal): Promise<GhaEntry | undefined>;
  /** Undefined when the entry has been evicted since it was found. */
  download(entry: GhaEntry, limit: number, signal: AbortSignal): Promise<Buffer | undefined>;
  /** Entries are immutable: "exists" when this branch has one of this key, finished or not. */
  save(key: string, bytes: Buffer, signal: AbortSignal): Promise<"written" | "exists">;
}

export interface GhaEntry {
  readonly key: string;
  /** Signed: as good as a password while it lives. */
  readonly url: Secret;
}

type Fields = Readonly<Record<string, unknown>>;

interface Reply {
  readonly status: number;
  readonly content: Fields;
}

const SERVICE = "twirp/github.actions.results.api.v1.CacheService";
const MAX_ANSWER_BYTES = 64 * 1024;
/** Twirp's not_found and already_exists (twirp specification, "Error Codes") answer what was asked. */
const answers: readonly number[] = [200, 404, 409];

/**
 * Errors are RegistryError, whose messages hold neither the token nor a signed address.
 *
 * @param version tells our entries from those of others and from other formats of ours
 */
export function createGhaService(access: GhaAccess, version: string): GhaService {
  const { token } = access;
  const exchange = createGhaExchange(access.dialer, access.userAgent, access.random ?? Math.random);

  const ask = (method: string, message: Fields, signal: AbortSignal): Promise<Reply> => {
    const body = Buffer.from(JSON.stringify({ ...message, version }));
    const request: GhaRequest = {
      doing: method,
      url: new URL(`/${SERVICE}/${method}`, access.url),
      method: "POST",
      headers: {
        "content-type": "application/json",
        "content-length": String(body.byteLength),
        authorization: `Bearer ${token.reveal()}`,
      },
      body,
    };
    return exchange(request, signal, async (answer) => {
      const content = readFields(await readBody(answer, MAX_ANSWER_BYTES));
      if (!answers.includes(answer.status)) throw refusal(answer, request, textOf(content ?? {}, "msg"));
      if (content !== undefined) return { status: answer.status, content };
      throw new UpstreamFailure(502, "UNKNOWN", `GitHub's cache sent no JSON for ${method}`);
    });
  };

  /** One block blob in one request (Azure Storage, "Put Blob"). The address is its own authorization. */
  const upload = (url: Secret, bytes: Buffer, signal: AbortSignal): Promise<void> => {
    const request: GhaRequest = {
      doing: "the upload of an entry",
      url: new URL(url.reveal()),
      method: "PUT",
      headers: {
        "content-type": "application/octet-stream",
        "content-length": String(bytes.byteLength),
        "x-ms-blob-type": "BlockBlob",
      },
      body: bytes,
    };
    return exchange(request, signal, async (answer) => {
      discard(answer);
      if (answer.status !== 201) throw refusal(answer, request, undefined);
    });
  };

  return {
    async find(key, prefix, signal) {
      const { status, content } = await ask("GetCacheEntryDownloadURL", { key, restore_keys: [prefix] }, signal);
      if (status !== 200 || content.ok !== true) return undefined;
      return {
        key: textOf(content, "matched_key", "matchedKey") ?? "",
        url: signedAddress(textOf(content, "signed_download_url", "signedDownloadUrl")),
      };
    },

    download(entry, limit, signal) {
      const url = new URL(entry.url.reveal());
      const request: GhaRequest = { doing: "the content of an entry", url, method: "GET", headers: {}, body: null };
      return exchange(request, signal, async (answer) => {
        if (answer.status === 200) return readBody(answer, limit);
        discard(answer);
        if (answer.status === 404) return undefined;
        throw refusal(answer, request, undefined);
      });
    },

    async save(key, bytes, signal) {
      const created = await ask("CreateCacheEntry", { key }, signal);
      if (created.status === 409) return "exists";
      requireOk("CreateCacheEntry", created);
      await upload(signedAddress(textOf(created.content, "signed_upload_url", "signedUploadUrl")), bytes, signal);
      const size = { size_bytes: String(bytes.byteLength) };
      requireOk("FinalizeCacheEntryUpload", await ask("FinalizeCacheEntryUpload", { key, ...size }, signal));
      return "written";
    },
  };
}

/** An answer may be right as HTTP and still be a no, with a sentence for people. */
function requireOk(method: string, { content }: Reply): void {
  if (content.ok === true) return;
  const words = textOf(content, "message", "msg");
  throw new UpstreamFailure(502, "UNKNOWN", `GitHub's cache refused ${method}${said(words)}`);
}

function signedAddress(text: string | undefined): Secret {
  const url = text !== undefined && URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol === "https:" || url?.protocol === "http:") return new Secret(url.href);
  throw new UpstreamFailure(502, "UNKNOWN", "GitHub's cache named no address for an entry's content");
}

function readFields(bytes: Buffer): Fields | undefined {
  try {
    const json: unknown = JSON.parse(bytes.toString("utf8"));
    if (typeof json !== "object" || json === null || Array.isArray(json)) return undefined;
    return Object.fromEntries(Object.entries(json));
  } catch {
    return undefined;
  }
}

/** Protobuf's JSON has two spellings of a name, and leaves empty values out. */
function textOf(content: Fields, ...names: readonly string[]): string | undefined {
  for (const name of names) {
    const value = content[name];
    if (typeof value === "string" && value !== "") return value;
  }
  return undefined;
}
