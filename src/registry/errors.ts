/** Error codes of the distribution-spec (spec.md, "Error Codes"), as they travel in a JSON body. */
export type RegistryErrorCode =
  | "BLOB_UNKNOWN"
  | "BLOB_UPLOAD_INVALID"
  | "BLOB_UPLOAD_UNKNOWN"
  | "DIGEST_INVALID"
  | "MANIFEST_BLOB_UNKNOWN"
  | "MANIFEST_INVALID"
  | "MANIFEST_UNKNOWN"
  | "NAME_INVALID"
  | "NAME_UNKNOWN"
  | "SIZE_INVALID"
  | "UNAUTHORIZED"
  | "DENIED"
  | "UNSUPPORTED"
  | "TOOMANYREQUESTS"
  | "UNKNOWN";

/**
 * A registry's answer that is not the thing asked for: what an upstream said to us, or what we say to a client.
 * The embedded server's handlers throw it and one function writes it; the client makes it from answers.
 */
export class RegistryError extends Error {
  readonly status: number;
  readonly code: RegistryErrorCode;
  /** The registry's own words, when it had any; already cut and free of secrets. */
  readonly detail: string | undefined;

  constructor(
    status: number,
    code: RegistryErrorCode,
    message: string,
    options: { detail?: string; cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = "RegistryError";
    this.status = status;
    this.code = code;
    this.detail = options.detail;
  }
}
