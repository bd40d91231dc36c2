/**
 * The one error type a user ever sees.
 *
 * `message` says what failed, on which object and where; `hint` says the next step. The exit code follows from the
 * code: 1 the build failed, 2 wrong usage or input, 3 the environment lacks something, 130 cancelled.
 */

/** Every error code with its exit code. Each is documented in docs/errors.md (a test keeps the two equal). */
export const errorCodes = {
  // wrong usage or input
  USAGE: 2,
  KUBEFILE_INVALID: 2,
  PROJECT_FILE_INVALID: 2,
  LOCK_INVALID: 2,
  REFERENCE_INVALID: 2,
  DIGEST_INVALID: 2,
  SOURCE_MISSING: 2,
  PATH_ESCAPES: 2,
  SECRET_MISSING: 2,
  UNSUPPORTED: 2,
  // the environment lacks something
  ENGINE_MISSING: 3,
  NODE_IMAGE_MISSING: 3,
  RUN_IMAGE_MISSING: 3,
  TOOL_MISSING: 3,
  DISK_SHORT: 3,
  STORE_UNUSABLE: 3,
  // the build failed
  COMMAND_FAILED: 1,
  COMMAND_TIMEOUT: 1,
  RUN_FAILED: 1,
  IMAGE_BUILD_FAILED: 1,
  SECRET_IN_ROOTFS: 1,
  LAUNCH_FAILED: 1,
  CLUSTER_FAILED: 1,
  PROXY_UNREACHABLE: 1,
  PULL_FAILED: 1,
  NOT_SETTLED: 1,
  CAPTURE_INCOMPLETE: 1,
  LOCK_MISMATCH: 1,
  REGISTRY: 1,
  TAG_MOVED: 1,
  STORE_BUSY: 1,
  STORE_CORRUPT: 1,
  ARTIFACT_INVALID: 1,
  ARTIFACT_TOO_LARGE: 1,
  VERIFY_FAILED: 1,
  VERIFY_INVALID: 1,
  TEST_FAILED: 1,
  FETCH_FAILED: 1,
  CHECKSUM_MISMATCH: 1,
  UNSAFE_ARCHIVE: 1,
  PLATFORM: 1,
  INTERNAL: 1,
  CANCELLED: 130,
} as const;

export type ErrorCode = keyof typeof errorCodes;

/** A place in a file a user wrote. Lines and columns count from 1. */
export interface Location {
  readonly file: string;
  readonly line: number;
  readonly column?: number;
}

export interface ErrorDetails {
  readonly hint?: string;
  readonly where?: Location;
  readonly cause?: unknown;
}

export class KubefileError extends Error {
  readonly code: ErrorCode;
  readonly hint: string | undefined;
  readonly where: Location | undefined;

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = "KubefileError";
    this.code = code;
    this.hint = details.hint;
    this.where = details.where;
  }

  get exitCode(): number {
    return errorCodes[this.code];
  }
}

export function formatLocation(where: Location): string {
  return where.column === undefined ? `${where.file}:${where.line}` : `${where.file}:${where.line}:${where.column}`;
}

/** What stands before a message that is about a place, if it is about one. */
export function locationPrefix(where: Location | undefined): string {
  return where === undefined ? "" : `${formatLocation(where)}: `;
}

/** The text of anything thrown, for use inside another message. */
export function errorMessage(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
