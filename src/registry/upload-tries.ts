import type { Repository } from "../oci/reference.ts";
import type { Exchange } from "./exchange.ts";
import type { BlobSource, PushOptions } from "./types.ts";
import type { UploadSession, UploadSessions } from "./upload-session.ts";
import { UpstreamFailure } from "./upstream-failure.ts";

/** What the tries of one blob's upload know of each other. */
export interface UploadTries {
  /** Whether it is the first. */
  begin(): boolean;
  /** The upload of the try before, or of a process before, when the registry still has a part of it. */
  resumed(kept: string | undefined): Promise<UploadSession | undefined>;
  finish(session: UploadSession): Promise<void>;
  isWorthAnother(failure: UpstreamFailure): boolean;
  /** Since it was asked last. */
  hasProgressed(): boolean;
}

/**
 * The tries of one blob's upload: one POST and one streaming PUT, since chunks are where registries differ most (GHCR
 * takes none above 4 MiB). Each further try begins with a HEAD, as the answer to a complete upload may have been lost.
 * Then the registry is asked how far the upload has come, and one that tells gets the rest, with a PUT again. Where that
 * is refused, as by distribution 2.8, which throws away an upload that was cut, all is sent in a new one.
 */
export function createUploadTries(
  exchange: Exchange,
  sessions: UploadSessions,
  repository: Repository,
  blob: BlobSource,
  options: PushOptions,
): UploadTries {
  let location: string | undefined;
  let mayResume = blob.size >= exchange.limits.resume;
  let wasRestRefused = false;
  let [tries, reached] = [0, 0];
  let hasProgressed = false;
  return {
    begin() {
      wasRestRefused = false;
      tries += 1;
      return tries === 1;
    },
    async resumed(kept) {
      const place = location ?? kept;
      if (!mayResume || place === undefined || !URL.canParse(place)) return undefined;
      const session = await sessions.resume(repository, blob, new URL(place), options);
      if (session === undefined) return undefined;
      if (session.offset >= reached + exchange.limits.resume) {
        reached = session.offset;
        hasProgressed = true;
      }
      options.onResume?.(session.offset);
      return session;
    },
    async finish(session) {
      location = session.location.href;
      try {
        await sessions.finish(repository, blob, session, options);
      } catch (error) {
        // What is refused to an upload that was cut may be taken from one that was not.
        if (session.offset > 0 && isRefusal(error)) [mayResume, wasRestRefused] = [false, true];
        throw error;
      }
    },
    isWorthAnother: ({ code }) => wasRestRefused || code === "BLOB_UPLOAD_UNKNOWN" || code === "BLOB_UPLOAD_INVALID",
    hasProgressed() {
      const result = hasProgressed;
      hasProgressed = false;
      return result;
    },
  };
}

/** The registry said no, rather than that it or the way to it failed. */
function isRefusal(error: unknown): boolean {
  return error instanceof UpstreamFailure && !error.isTransient && error.status !== 401 && error.status !== 403;
}
