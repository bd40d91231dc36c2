import type { FileHandle } from "node:fs/promises";
import { Readable } from "node:stream";
import type { Flight } from "./flight.ts";
import type { ByteRange } from "./types.ts";

/** Reads of this size come near to sendfile; 64 KiB ones reach a third of it. */
export const READ_BYTES = 1024 * 1024;

/** The end of a reader's range that it gets only after the whole blob is verified, so that no reader completes a bad one. */
const HELD_BACK_BYTES = 64 * 1024;

/** Reads a range of a growing file: waits for the writer, ends with its error. Takes over `file`. */
export class FollowingReader extends Readable {
  readonly #flight: Flight;
  readonly #file: FileHandle;
  readonly #end: number;
  readonly #unsubscribe: () => void;
  #position: number;
  #wanted = false;
  #reading = false;

  constructor(flight: Flight, file: FileHandle, range: ByteRange) {
    super({ highWaterMark: READ_BYTES });
    this.#flight = flight;
    this.#file = file;
    this.#position = range.start;
    this.#end = range.end;
    this.#unsubscribe = flight.onChange(() => void this.#advance());
  }

  override _read(): void {
    this.#wanted = true;
    void this.#advance();
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    this.#unsubscribe();
    this.#file.close().then(
      () => callback(error),
      (closing: Error) => callback(error ?? closing),
    );
  }

  /** Never rejects: whatever happens goes through the stream. */
  async #advance(): Promise<void> {
    const { outcome, written, failure } = this.#flight;
    if (outcome === "failed") this.destroy(failure instanceof Error ? failure : new Error(String(failure)));
    if (!this.#wanted || this.#reading || this.destroyed) return;
    const readable = outcome === "whole" ? this.#end : Math.min(written, this.#end - HELD_BACK_BYTES);
    if (this.#position >= readable) {
      if (outcome === "whole") this.push(null);
      return;
    }
    this.#reading = true;
    try {
      const length = Math.min(READ_BYTES, readable - this.#position);
      const { bytesRead, buffer } = await this.#file.read(Buffer.allocUnsafe(length), 0, length, this.#position);
      if (bytesRead === 0) throw new Error("a blob's file became shorter while it was read");
      this.#position += bytesRead;
      this.#wanted = false;
      this.#reading = false;
      if (!this.destroyed) this.push(buffer.subarray(0, bytesRead));
    } catch (error) {
      this.destroy(error instanceof Error ? error : new Error(String(error)));
    }
  }
}
