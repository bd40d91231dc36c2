import { errorMessage, KubefileError } from "../error.ts";
import { AddressRefused } from "./dialer.ts";
import { RegistryError, type RegistryErrorCode } from "./errors.ts";

/** A RegistryError as the client knows it while it may still try again. */
export class UpstreamFailure extends RegistryError {
  readonly isTransient: boolean;
  /** Milliseconds the registry asks us to stay away. */
  readonly retryAfter: number | undefined;

  constructor(
    status: number,
    code: RegistryErrorCode,
    message: string,
    options: { detail?: string; cause?: unknown; isTransient?: boolean; retryAfter?: number | undefined } = {},
  ) {
    super(status, code, message, options);
    this.name = "RegistryError";
    this.isTransient = options.isTransient ?? false;
    this.retryAfter = options.retryAfter;
  }
}

/** The time for an answer has run out. */
export class DeadlinePassed extends Error {
  constructor(milliseconds: number) {
    super(`no answer within ${Math.round(milliseconds / 1000)} s`);
    this.name = "DeadlinePassed";
  }
}

/** Failures that another try will not change: a certificate, a name that does not exist, a server without TLS. */
const lasting =
  /^(?:CERT_|ERR_TLS_|ERR_SSL_|EPROTO$|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO_|ENOTFOUND$|EACCES$|ENETUNREACH$|UND_ERR_(?:INVALID|REQ_CONTENT_LENGTH)|HPE_)/;

/** Turns whatever a request threw into a RegistryError: 504 for a time that ran out, 502 for the rest, 403 for policy. */
export function networkFailure(error: unknown, registry: string, doing: string): Error {
  if (error instanceof RegistryError || error instanceof KubefileError) return error;
  const refused = findCause(error, (cause) => cause instanceof AddressRefused);
  if (refused !== undefined) {
    return new UpstreamFailure(
      403,
      "DENIED",
      `refused to connect for ${doing}: ${errorMessage(refused)}; registries with private addresses must be named in docker config, a pull secret, an image reference, or by --mirror or --insecure`,
      { cause: error },
    );
  }
  const code = codeOf(error);
  const isTimeout = error instanceof DeadlinePassed || /TIMEOUT|ETIMEDOUT/.test(code);
  return new UpstreamFailure(
    isTimeout ? 504 : 502,
    "UNKNOWN",
    `could not reach registry ${registry} for ${doing}: ${describe(error, code)}`,
    { cause: error, isTransient: !lasting.test(code) },
  );
}

function describe(error: unknown, code: string): string {
  // Happy eyeballs reports one error for each address, with no message of its own.
  if (error instanceof AggregateError) return error.errors.map(errorMessage).join(", ");
  const message = errorMessage(error) || code;
  if (code === "EPROTO" || /wrong version number/i.test(message)) {
    return "it does not speak TLS";
  }
  return code === "" || message.includes(code) ? message : `${message} (${code})`;
}

function codeOf(error: unknown): string {
  const found = findCause(error, (cause) => cause instanceof Error && "code" in cause);
  return found instanceof Error && "code" in found ? String(found.code) : "";
}

function findCause(error: unknown, matches: (cause: unknown) => boolean): unknown {
  let current = error;
  for (let depth = 0; depth < 8 && current !== undefined && current !== null; depth++) {
    if (matches(current)) return current;
    if (current instanceof AggregateError) {
      const inner = current.errors.find(matches);
      if (inner !== undefined) return inner;
    }
    current = current instanceof Error ? current.cause : undefined;
  }
  return undefined;
}
