import { digestOf } from "../oci/digest.ts";
import type { Repository } from "../oci/reference.ts";
import { checkReference } from "./endpoint.ts";
import type { Exchange, ExchangeRequest } from "./exchange.ts";
import { pushRequest } from "./push-request.ts";
import { retrying } from "./retry.ts";
import { discard, header } from "./transport.ts";
import type { BlobSource, PushOptions, RegistryClient, Upstream } from "./types.ts";
import { createUploadSessions, type UploadSession } from "./upload-session.ts";
import { createUploadTries } from "./upload-tries.ts";
import { UpstreamFailure } from "./upstream-failure.ts";

const UPLOAD_ATTEMPTS = 4;
/** Registries that cannot mount answer the first try with a session; asking about many sources is of no use then. */
const MAX_MOUNT_SOURCES = 3;

/** The writing half of the client (distribution-spec, "Push"). */
export function createPush(
  exchange: Exchange,
  upstream: Upstream,
): Pick<RegistryClient, "holdsBlob" | "pushBlob" | "mountBlob" | "pushManifest"> {
  const sessions = createUploadSessions(exchange);

  const pushBlob: RegistryClient["pushBlob"] = async (repository, blob, options) => {
    const { size, digest } = blob;
    const kept = size >= exchange.limits.resume ? options.keptUploads : undefined;
    const tries = createUploadTries(exchange, sessions, repository, blob, options);
    const attempt = async (): Promise<"exists" | "mounted" | "uploaded"> => {
      const isFirst = tries.begin();
      if (!(isFirst && options.isAbsent === true) && (await holdsBlob(repository, digest, options))) {
        return isFirst ? "exists" : "uploaded";
      }
      const session =
        (await tries.resumed(isFirst ? await kept?.take(repository, digest) : undefined)) ??
        (await startUpload(repository, blob, options));
      if (session === "mounted") return "mounted";
      await kept?.keep(repository, digest, session.location.href);
      await tries.finish(session);
      return "uploaded";
    };
    try {
      const outcome = await retrying(attempt, {
        attempts: UPLOAD_ATTEMPTS,
        backoff: exchange.limits.backoff,
        // An upload takes as long as it takes; what is bounded is a pause.
        remaining: () => exchange.limits.push,
        signal: options.signal ?? neverAborted,
        random: exchange.random,
        isWorthRetrying: tries.isWorthAnother,
        hasProgressed: tries.hasProgressed,
      });
      await kept?.drop(repository, digest);
      return outcome;
    } catch (error) {
      await kept?.release(repository, digest);
      throw error;
    }
  };

  const holdsBlob: RegistryClient["holdsBlob"] = (repository, digest, options) => {
    const request = requestTo(repository, options, "HEAD", `blobs/${digest}`, `blob ${digest}`);
    return exchange.ask(request, async (answer) => {
      discard(answer);
      if (answer.status === 200) return true;
      const isElsewhere = answer.url.origin !== exchange.endpoint(repository).base.origin;
      // The registry found it and sent us to its storage, where a signed URL may be good for GET alone.
      if (isElsewhere && [400, 403, 405].includes(answer.status)) {
        return (await upstream.hasBlob(repository, digest, options)) !== undefined;
      }
      if ([401, 403, 404, 405].includes(answer.status)) return false;
      throw await exchange.failure(request, answer);
    });
  };

  const startUpload = async (
    repository: Repository,
    { digest }: BlobSource,
    options: PushOptions,
  ): Promise<UploadSession | "mounted"> => {
    const sources = (options.mountFrom ?? []).filter((path) => path !== repository.path).slice(0, MAX_MOUNT_SOURCES);
    for (const from of [...sources, undefined]) {
      const session = await sessions.open(repository, digest, from, options);
      if (session !== undefined) return session;
    }
    throw new UpstreamFailure(502, "UNKNOWN", `registry ${repository.host} opens no upload`);
  };

  const mountBlob: RegistryClient["mountBlob"] = async (repository, digest, from, options) => {
    const session = await sessions.open(repository, digest, from, options);
    if (session === "mounted") return true;
    if (session !== undefined) await sessions.cancel(repository, session, options);
    return false;
  };

  const pushManifest: RegistryClient["pushManifest"] = async (repository, reference, mediaType, bytes, options) => {
    const target = `manifests/${checkReference(reference)}`;
    const request: ExchangeRequest = {
      ...requestTo(repository, options, "PUT", target, `manifest ${reference}`),
      headers: { "content-type": mediaType, "content-length": String(bytes.byteLength) },
      body: async () => bytes,
    };
    return exchange.ask(request, async (answer) => {
      if (answer.status !== 201 && answer.status !== 200) throw await exchange.failure(request, answer);
      discard(answer);
      const stated = header(answer, "docker-content-digest");
      if (stated?.startsWith("sha256:") === true && stated !== digestOf(bytes)) {
        throw new UpstreamFailure(
          502,
          "DIGEST_INVALID",
          `registry ${repository.host} stored other bytes than were sent for ${request.doing}: ${stated.slice(0, 80)}`,
        );
      }
    });
  };

  const requestTo = (
    repository: Repository,
    options: PushOptions,
    method: ExchangeRequest["method"],
    target: string,
    what: string,
  ): ExchangeRequest => pushRequest(exchange, repository, options, { method, target, what });

  return { holdsBlob, pushBlob, mountBlob, pushManifest };
}

const neverAborted = new AbortController().signal;
