import { Readable } from "node:stream";
import { errorMessage, KubefileError } from "../error.ts";
import type { Digest } from "../oci/digest.ts";
import type { UrlSource } from "../plan/step.ts";
import { RegistryError } from "../registry/errors.ts";
import type { RegistryClient } from "../registry/types.ts";
import type { Store } from "../store/types.ts";

/** What ADD and APP fetch from web servers; it goes through the store, each content once. */
export interface WebSources {
  /** What an address stands for now. Nothing is downloaded when a checksum or the server's own word tells enough. */
  resolve(source: UrlSource, options: { readonly signal: AbortSignal }): Promise<ResolvedUrl>;
  /** Brings the content into the store, and returns the path of its file. */
  fetch(source: UrlSource, options: { readonly signal: AbortSignal }): Promise<string>;
}

export interface ResolvedUrl {
  readonly identity: string;
  readonly digest?: Digest;
}

/** Bytes of one file. */
const LARGEST_FILE = 16 * 1024 ** 3;
/** Tries of a download that breaks off in the middle. */
const DOWNLOADS = 3;

/** @param largest bytes that one file may have */
export function createWebSources(
  client: Pick<RegistryClient, "webFile">,
  store: Store,
  largest: number = LARGEST_FILE,
): WebSources {
  const fetched = new Map<string, Promise<Digest>>();

  const download = (source: UrlSource, signal: AbortSignal): Promise<Digest> => {
    const known = fetched.get(source.url) ?? downloadOnce(source, signal);
    fetched.set(source.url, known);
    return known;
  };

  const downloadOnce = async ({ url }: UrlSource, signal: AbortSignal): Promise<Digest> => {
    for (let tries = 1; ; tries += 1) {
      try {
        const { size, stream } = await client.webFile(new URL(url), "GET", { signal });
        if ((size ?? 0) > largest) {
          stream.destroy();
          throw tooLarge(url, largest);
        }
        const content = Readable.from(limited(stream, url, largest), { objectMode: false });
        const { digest } = await store.write(content, { signal });
        return digest;
      } catch (error) {
        signal.throwIfAborted();
        const isFinal = error instanceof KubefileError || error instanceof RegistryError || tries >= DOWNLOADS;
        if (isFinal) throw fetchFailure(url, error);
      }
    }
  };

  const checked = async (source: UrlSource, signal: AbortSignal): Promise<Digest> => {
    const { url, checksum } = source;
    if (checksum !== undefined && (await store.has(checksum)) !== undefined) return checksum;
    const digest = await download(source, signal);
    if (checksum === undefined || digest === checksum) return digest;
    throw new KubefileError("CHECKSUM_MISMATCH", `${url} has the checksum ${digest}, not ${checksum}`, {
      hint: "when the new content is what you want, write its checksum; otherwise find out who changed it",
    });
  };

  return {
    async resolve(source, { signal }) {
      const { url, checksum } = source;
      if (checksum !== undefined) return { identity: checksum, digest: checksum };
      // A server that refuses HEAD may still answer GET.
      const head = await client.webFile(new URL(url), "HEAD", { signal }).catch(() => undefined);
      if (head?.etag !== undefined) return { identity: `etag ${head.etag}` };
      const digest = await checked(source, signal);
      return { identity: digest, digest };
    },
    fetch: async (source, { signal }) => store.pathOf(await checked(source, signal)),
  };
}

async function* limited(stream: AsyncIterable<Uint8Array>, url: string, largest: number): AsyncGenerator<Uint8Array> {
  let bytes = 0;
  for await (const chunk of stream) {
    bytes += chunk.byteLength;
    if (bytes > largest) throw tooLarge(url, largest);
    yield chunk;
  }
}

function tooLarge(url: string, largest: number): KubefileError {
  return new KubefileError("FETCH_FAILED", `${url} is larger than ${largest} bytes`);
}

function fetchFailure(url: string, error: unknown): unknown {
  if (error instanceof KubefileError) return error;
  return new KubefileError("FETCH_FAILED", `cannot fetch ${url}: ${errorMessage(error).replace(/\bregistry /, "")}`, {
    hint: "check the address, and whether this machine reaches it",
    cause: error,
  });
}
