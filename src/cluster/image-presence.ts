import { type ErrorCode, KubefileError } from "../error.ts";
import type { Digest } from "../oci/digest.ts";
import { formatRepository, parseReference, tryParseReference } from "../oci/reference.ts";
import type { Engine } from "./engine.ts";

/** The engine's own id of an image (the digest of its config): changes whenever its content does. Undefined when absent. */
export async function localImageId(engine: Engine, image: string, signal?: AbortSignal): Promise<string | undefined> {
  const asked = await engine.docker(["image", "inspect", "--format", "{{.Id}}", image], { allowFailure: true, signal });
  if (asked.exitCode === 0) return asked.stdout.trim();
  if (/no such image/i.test(asked.stderr)) return undefined;
  throw new KubefileError(
    "ENGINE_MISSING",
    `the Docker Engine could not be asked for ${image}: ${asked.stderr.trim()}`,
  );
}

/**
 * The digest by which a registry knows an image that the engine holds; undefined for one that came by no registry, as
 * from `docker load`.
 */
export async function localImageDigest(
  engine: Engine,
  image: string,
  signal?: AbortSignal,
): Promise<Digest | undefined> {
  const format = "{{range .RepoDigests}}{{println .}}{{end}}";
  const asked = await engine.docker(["image", "inspect", "--format", format, image], { allowFailure: true, signal });
  if (asked.exitCode !== 0) return undefined;
  const repository = formatRepository(parseReference(image));
  const known = asked.stdout.split("\n").flatMap((name) => tryParseReference(name) ?? []);
  return known.find((reference) => formatRepository(reference) === repository)?.digest;
}

/**
 * Makes sure that the engine holds an image, pulling it when it does not. Never takes another one instead.
 *
 * @returns the engine's id of the image
 * @throws KubefileError with the given code, naming the image and the engine's words
 */
export async function ensureImage(
  engine: Engine,
  image: string,
  options: {
    readonly missing: ErrorCode;
    readonly hint: string;
    readonly signal?: AbortSignal | undefined;
    readonly onProgress?: ((message: string) => void) | undefined;
  },
): Promise<string> {
  const present = await localImageId(engine, image, options.signal);
  if (present !== undefined) return present;
  options.onProgress?.(`pulling ${image}`);
  const pulled = await engine.docker(["pull", "--quiet", image], {
    allowFailure: true,
    timeout: 600_000,
    signal: options.signal,
  });
  const id = pulled.exitCode === 0 ? await localImageId(engine, image, options.signal) : undefined;
  if (id !== undefined) return id;
  const said = pulled.stderr.trim().split("\n").at(-1) ?? "";
  throw new KubefileError(options.missing, `image ${image} is neither here nor can it be pulled: ${said}`, {
    hint: options.hint,
  });
}
