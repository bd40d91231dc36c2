import { type IncomingMessage, request } from "node:http";
import { buffer } from "node:stream/consumers";
import { digestOf, isDigest } from "../../src/oci/digest.ts";
import { manifestTypes } from "../../src/oci/media-types.ts";
import type { Repository } from "../../src/oci/reference.ts";
import { RegistryError } from "../../src/registry/errors.ts";
import type { RequestOptions, Upstream } from "../../src/registry/types.ts";

/**
 * The plainest `Upstream`: anonymous, http only, no retries, so that a test of the proxy sees each request of the proxy
 * once. `hosts` says where a registry's name leads; other names are dialled as they are.
 */
export function plainUpstream(hosts: Readonly<Record<string, string>> = {}): Upstream {
  const ask = async (
    method: string,
    { host, path }: Repository,
    tail: string,
    { signal }: RequestOptions,
    headers: Record<string, string> = {},
  ): Promise<IncomingMessage> => {
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      const url = `http://${hosts[host] ?? host}/v2/${path}/${tail}`;
      const sent = request(
        url,
        { method, headers, agent: false, ...(signal === undefined ? {} : { signal }) },
        resolve,
      );
      sent.once("error", (error) => reject(new RegistryError(502, "UNKNOWN", error.message, { cause: error })));
      sent.end();
    });
    const status = response.statusCode ?? 0;
    if (status === 200 || status === 206) return response;
    response.resume();
    throw new RegistryError(status, "UNKNOWN", `${host} answered ${status} to ${method} ${path}/${tail}`, {
      detail: "the registry's own words",
    });
  };
  const accept = { accept: manifestTypes.join(", ") };

  return {
    async resolve(repository, reference, options) {
      const { digest, bytes, mediaType } = await this.manifest(repository, reference, options);
      return { digest, mediaType, size: bytes.byteLength };
    },
    async manifest(repository, reference, options) {
      const response = await ask("GET", repository, `manifests/${reference}`, options, accept);
      const bytes = await buffer(response);
      const digest = digestOf(bytes);
      if (isDigest(reference) && digest !== reference) {
        throw new RegistryError(502, "MANIFEST_INVALID", `${reference} has other bytes`);
      }
      return { bytes, digest, mediaType: response.headers["content-type"] ?? "" };
    },
    async blob(repository, digest, { offset = 0, ...options }) {
      const headers = offset > 0 ? { range: `bytes=${offset}-` } : {};
      const response = await ask("GET", repository, `blobs/${digest}`, options, {
        ...headers,
        "accept-encoding": "identity",
      });
      const total = response.headers["content-range"]?.split("/")[1] ?? response.headers["content-length"];
      return { size: Number(total), stream: response };
    },
    async hasBlob(repository, digest, options) {
      try {
        const response = await ask("HEAD", repository, `blobs/${digest}`, options);
        response.resume();
        return { size: Number(response.headers["content-length"]) };
      } catch (error) {
        if (error instanceof RegistryError && error.status === 404) return undefined;
        throw error;
      }
    },
  };
}
