import { KubefileError } from "../error.ts";
import type { Scope } from "./trust.ts";
import type { RecordStore } from "./types.ts";

/** Where records are kept: the local store, or what a `--cache-from` or `--cache-to` names. */
export interface Place {
  /** As the user wrote it. */
  readonly name: string;
  /** Its records of one scope, apart from those of the other. */
  store(scope: Scope): RecordStore;
  close(): Promise<void>;
}

/** Says that a place can neither be read nor written in this run, so that it is told once. */
export class PlaceUnusable extends KubefileError {}
