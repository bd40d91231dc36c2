import type { Repository } from "../oci/reference.ts";

/** A `--cache-from` or `--cache-to`, read. */
export type CacheSpec = RegistryCacheSpec | LocalCacheSpec | GithubCacheSpec;

interface Written {
  /** As the user wrote it, for messages. */
  readonly written: string;
}

export interface RegistryCacheSpec extends Written {
  readonly type: "registry";
  readonly repository: Repository;
  /** What its tags begin with. */
  readonly prefix: string;
}

export interface LocalCacheSpec extends Written {
  readonly type: "local";
  /** Absolute path. */
  readonly directory: string;
}

export interface GithubCacheSpec extends Written {
  readonly type: "gha";
  /** What its entries' keys begin with. */
  readonly prefix: string;
}

/** Equal for two specs of one place. */
export function placeOf(spec: CacheSpec): string {
  switch (spec.type) {
    case "registry":
      return `registry ${spec.repository.host}/${spec.repository.path} ${spec.prefix}`;
    case "local":
      return `local ${spec.directory}`;
    case "gha":
      return `gha ${spec.prefix}`;
  }
}
