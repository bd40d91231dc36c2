import type { Location } from "../error.ts";
import type { SecretMount } from "../kubefile/secret-mount.ts";
import type { Digest } from "../oci/digest.ts";
import type { Reference } from "../oci/reference.ts";

/** One step that may change the rootfs; variables are replaced. */
export type Step = CopyStep | RunStep;

interface StepBase {
  readonly where: Location;
  /** The instruction as written, for people. */
  readonly shown: string;
}

/** COPY, ADD, and the files of APP, CNI and CSI. */
export interface CopyStep extends StepBase {
  readonly kind: "copy";
  /** In the order of the instruction. */
  readonly sources: readonly StepSource[];
  readonly destination: string;
  readonly chmod?: string;
  /** Patterns of what is left out; absent for none. */
  readonly exclude?: readonly string[];
  /** Whether sources keep their paths; absent when not. */
  readonly parents?: true;
}

export interface RunStep extends StepBase {
  readonly kind: "run";
  readonly command: RunCommand;
  readonly env: Readonly<Record<string, string>>;
  /** What it gets of the build's secrets; absent for none. */
  readonly secrets?: readonly StepSecret[];
}

/** A secret that one RUN gets. Which one decides what it does, never the value. */
export interface StepSecret extends Omit<SecretMount, "span"> {
  readonly where: Location;
}

/** A line for a shell, the words of one command, or a script whose first line (`#!`) names what runs it. */
export type RunCommand = string | readonly string[] | { readonly script: string };

/** Where files of a copy come from. */
export type StepSource =
  /** ADD: archives among them are unpacked. */
  | { readonly kind: "context"; readonly paths: readonly string[]; readonly unpack: boolean }
  /** An earlier stage, by its position in `Plan.stages`. */
  | { readonly kind: "stage"; readonly stage: number; readonly paths: readonly string[] }
  | { readonly kind: "image"; readonly reference: Reference; readonly paths: readonly string[] }
  | UrlSource
  | GitSource
  /** A here-document: a file of that name. */
  | { readonly kind: "text"; readonly name: string; readonly text: string };

export interface UrlSource {
  readonly kind: "url";
  readonly url: string;
  readonly checksum?: Digest;
  readonly unpack: boolean;
}

export interface GitSource {
  readonly kind: "git";
  /** Without fragment. */
  readonly url: string;
  /** A branch, a tag or a commit; the remote's HEAD when absent. */
  readonly ref?: string;
  /** A directory of the repository. */
  readonly subdirectory?: string;
  /** Hexadecimal digits that the commit must start with. */
  readonly checksum?: string;
}

/**
 * What a source stands for at this moment, found out before anything of the step is done. `identity` names the content:
 * equal identities of equal sources mean equal files, whatever else has changed.
 */
export type ResolvedInput =
  | {
      readonly kind: "context";
      readonly identity: string;
      /** What lies at each path that is copied, in words that differ when it does: for telling what has changed. */
      readonly entries: ReadonlyMap<string, string>;
    }
  | { readonly kind: "text"; readonly identity: string }
  /** What a stage holds is known when it has been built, or by the keys of its steps. */
  | { readonly kind: "stage"; readonly stage: number }
  | { readonly kind: "image"; readonly identity: string; readonly digest: Digest }
  | {
      readonly kind: "url";
      /** The digest of the content, or a strong validator of its server. */
      readonly identity: string;
      /** Known when a checksum says it, or when the content is in the store already. */
      readonly digest?: Digest;
    }
  | { readonly kind: "git"; readonly identity: string; readonly commit: string };
