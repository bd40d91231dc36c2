import { readableMode } from "./mode.ts";
import { unpack } from "./unpack.ts";
import { defaultLimits, type UnpackLimits } from "./unpack-rules.ts";

export interface ApplyOptions {
  /** What messages call the layer. */
  readonly name?: string;
  readonly limits?: Partial<UnpackLimits>;
  /**
   * For trees that are only copied from: absolute links become relative ones to the same place, set-user-id bits are
   * dropped, and what else cannot be in a rootfs is left out.
   */
  readonly adapts?: boolean;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Applies a layer's tar (uncompressed) to a tree, whiteouts included (OCI image-spec, layer.md). Permission bits are
 * kept; owners, times and extended attributes are not. When it throws, part of the layer is applied.
 *
 * @throws KubefileError UNSAFE_ARCHIVE at the first entry that is not harmless.
 */
export async function applyLayer(root: string, tar: NodeJS.ReadableStream, options: ApplyOptions = {}): Promise<void> {
  await unpack(root, tar, {
    archive: options.name ?? "the layer",
    stripPrefix: "",
    base: "",
    limits: { ...defaultLimits, ...options.limits },
    whiteouts: true,
    modeOf: (type, _path, mode) => readableMode(type, mode),
    ...(options.adapts === true ? { adapts: true, onRefused: () => undefined } : {}),
    signal: options.signal,
  });
}
