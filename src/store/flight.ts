import { addAbortSignal, type Readable } from "node:stream";
import { setTimeout as delay } from "node:timers/promises";
import { errorMessage, KubefileError } from "../error.ts";
import type { Digest } from "../oci/digest.ts";
import type { Ingest } from "./ingest.ts";
import type { BlobFetcher } from "./types.ts";

/** Cuts in a row that may bring no byte before the download is given up. */
const FRUITLESS_TRIES = 4;
/** Cuts altogether; a source that sends a few bytes each time would keep us for ever. */
const TRIES = 100;
/** Doubled after each fruitless try; a cut that came after some bytes is resumed at once. */
const BACKOFF_MILLISECONDS = 50;
/** A source that sends nothing for so long is taken for cut. */
const STALL_MILLISECONDS = 60_000;

export interface FlightOptions {
  readonly digest: Digest;
  readonly source: BlobFetcher;
  readonly createIngest: () => Promise<Ingest>;
  /** Ends the download; readers that leave do not. */
  readonly signal: AbortSignal;
}

/** One download of one blob. Any number of readers follow its file; none of them can slow or stop it. */
export class Flight {
  /** The blob's size and growing file, once the source has answered. */
  readonly opened: Promise<{ readonly size: number; readonly path: string }>;
  /** Settles when the blob is in the store, verified, or will not be. */
  readonly finished: Promise<{ readonly size: number }>;
  readonly #options: FlightOptions;
  readonly #listeners = new Set<() => void>();
  readonly #announce: (opened: { size: number; path: string }) => void;
  #written = 0;
  #outcome: "running" | "whole" | "failed" = "running";
  #failure: unknown;

  constructor(options: FlightOptions) {
    this.#options = options;
    let announce: (opened: { size: number; path: string }) => void = () => undefined;
    const answered = new Promise<{ size: number; path: string }>((resolve) => {
      announce = resolve;
    });
    this.#announce = announce;
    this.finished = this.#run().then(
      (result) => this.#end("whole", result),
      (error: unknown) => {
        this.#failure = error;
        this.#end("failed", undefined);
        throw error;
      },
    );
    // A blob cannot finish before its source has answered, so this race is only lost to a failure.
    this.opened = Promise.race([answered, this.finished.then(() => answered)]);
    this.finished.catch(() => undefined);
    this.opened.catch(() => undefined);
  }

  /** Bytes that are in the file, unverified while `outcome` is "running". */
  get written(): number {
    return this.#written;
  }

  get outcome(): "running" | "whole" | "failed" {
    return this.#outcome;
  }

  /** Why the outcome is "failed". */
  get failure(): unknown {
    return this.#failure;
  }

  /** Calls back after every step forward and at the end; returns how to stop that. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #end<Result>(outcome: "whole" | "failed", result: Result): Result {
    this.#outcome = outcome;
    this.#changed();
    this.#listeners.clear();
    return result;
  }

  #changed(): void {
    for (const listener of this.#listeners) listener();
  }

  async #run(): Promise<{ size: number }> {
    const ingest = await this.#options.createIngest();
    try {
      const size = await this.#download(ingest);
      await ingest.commit(this.#options.digest);
      return { size };
    } catch (error) {
      await ingest.discard();
      throw error;
    }
  }

  /** Calls the source until all bytes are there, each time from where the last answer broke off. */
  async #download(ingest: Ingest): Promise<number> {
    const { source, signal, digest } = this.#options;
    let size: number | undefined;
    for (let tries = 1, fruitless = 0; ; tries += 1) {
      const offset = ingest.size;
      // What the source refuses it refuses for good: it has its own way of trying again.
      const answer = await source(offset, signal);
      if (size !== undefined && answer.size !== size) {
        answer.stream.destroy();
        throw corrupt(digest, `its source said ${size} bytes at first and ${answer.size} bytes later`);
      }
      size = answer.size;
      this.#announce({ size, path: ingest.path });
      const cut = await this.#receive(answer.stream, ingest, size);
      if (ingest.size === size) return size;
      fruitless = ingest.size > offset ? 0 : fruitless + 1;
      if (fruitless === FRUITLESS_TRIES || tries === TRIES) {
        throw new KubefileError(
          "REGISTRY",
          `the download of blob ${digest} broke off at ${ingest.size} of ${size} bytes: ${errorMessage(cut)}`,
          { hint: "the registry or the network cut it again and again; try later", cause: cut },
        );
      }
      if (fruitless > 0) await delay(BACKOFF_MILLISECONDS * 2 ** fruitless, undefined, { signal });
    }
  }

  /** Returns why the stream ended, when it may go on at another try; throws what is final. */
  async #receive(stream: Readable, ingest: Ingest, size: number): Promise<unknown> {
    const { digest, signal } = this.#options;
    const stalled = setTimeout(() => {
      stream.destroy(new Error(`no byte in ${STALL_MILLISECONDS / 1_000} s`));
    }, STALL_MILLISECONDS);
    let final: unknown;
    try {
      for await (const chunk of addAbortSignal(signal, stream)) {
        if (ingest.size + chunk.byteLength > size) {
          final = corrupt(digest, `its source sent more than the ${size} bytes it announced`);
          break;
        }
        try {
          await ingest.append(chunk);
        } catch (error) {
          final = error;
          break;
        }
        this.#written = ingest.size;
        this.#changed();
        stalled.refresh();
      }
    } catch (error) {
      signal.throwIfAborted();
      return error;
    } finally {
      clearTimeout(stalled);
    }
    if (final !== undefined) throw final;
    return new Error("the source ended its answer early");
  }
}

function corrupt(digest: Digest, why: string): KubefileError {
  return new KubefileError("STORE_CORRUPT", `blob ${digest} was not stored: ${why}`, {
    hint: "try again; when it happens again, look at the registry and at what stands before it",
  });
}
