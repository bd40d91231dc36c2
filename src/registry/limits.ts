/** Time limits and counts of the registry client. Times are milliseconds. */
export interface ClientLimits {
  /** Until a connection stands, TLS included. */
  readonly connect: number;
  /** Until the headers of one answer are there. */
  readonly headers: number;
  /** Without a byte of a body. There is no limit for a whole body. */
  readonly idle: number;
  /** For a read from the first request to the headers of its answer, with tokens, redirects and further tries. */
  readonly answer: number;
  /** The same for what a push asks. */
  readonly push: number;
  /** Until a registry has taken in an uploaded blob: some copy and hash it after the last byte. */
  readonly upload: number;
  /** Tries of one request. */
  readonly attempts: number;
  /** Bytes from which on a blob's interrupted upload is worth the requests to go on with it. */
  readonly resume: number;
  /** The first pause between tries; each further one is twice as long, give or take half. */
  readonly backoff: number;
}

/** containerd 2.3 waits 30 s for a mirror's headers, so a read has to be over a little before that. */
export const defaultLimits: ClientLimits = {
  connect: 10_000,
  headers: 30_000,
  idle: 30_000,
  answer: 25_000,
  push: 120_000,
  upload: 300_000,
  attempts: 5,
  resume: 1024 * 1024,
  backoff: 400,
};
