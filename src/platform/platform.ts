import type { Location } from "../error.ts";
import type { ProgressRenderer } from "./progress-style.ts";

/** A stream for people or for a pipe; a terminal has a width. */
export interface TextOutput {
  write(text: string): unknown;
  readonly isTTY?: boolean | undefined;
  readonly columns?: number | undefined;
}

/** The variables of this process. */
export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Where a run is going on, and how that place shows what comes of it. A terminal shows text and nothing else; CI systems
 * fold logs, mark lines of files, keep a summary, hand values to later jobs and write to the pull or merge request.
 */
export interface Platform {
  readonly name: "terminal" | "github" | "gitlab";
  /** Folds the log by phase; undefined where progress is shown as for any other terminal or pipe. */
  renderer(now: () => number): ProgressRenderer | undefined;
  /** Makes text of strangers harmless where the log is read for commands. */
  guard(output: TextOutput): TextOutput;
  /** Marks a line of a file, or the run as a whole. */
  annotate(annotation: Annotation): void;
  /** Keeps a secret out of the log, in every form in which it may appear. */
  mask(secret: string): void;
  /** Adds markdown to the page of this run. */
  summary(markdown: string): Promise<void>;
  /** Hands a value to later steps or jobs. */
  output(name: string, value: string): Promise<void>;
  /** Writes one comment to the pull or merge request of this run, over the one of the same key. */
  stickyNote(key: string, markdown: string): Promise<NoteOutcome>;
  /** Puts a mark on the commit of this run. */
  commitStatus(status: CommitStatus): Promise<NoteOutcome>;
  /** Makes a release of a Git tag, or brings the one that is there up to date. */
  publishRelease(release: Release): Promise<NoteOutcome>;
}

export interface Release {
  /** The Git tag that is released. */
  readonly tag: string;
  readonly name: string;
  /** Markdown. */
  readonly notes: string;
  readonly isPrerelease: boolean;
  /** Absolute names of files that hang on it, where the platform keeps files with releases. */
  readonly files: readonly string[];
}

export type AnnotationLevel = "error" | "warning" | "notice";

export interface Annotation {
  readonly level: AnnotationLevel;
  readonly message: string;
  /** A few words: the code of an error. */
  readonly title?: string;
  /** The file as messages name it, relative to the working directory. */
  readonly where?: Location;
}

/** `skipped` says why: no request belongs to this run, or no token may write to it. */
export type NoteOutcome =
  | { readonly state: "written"; readonly url?: string }
  | { readonly state: "skipped"; readonly reason: string };

export interface CommitStatus {
  /** Tells it from those of others: `kubefile/verify`. */
  readonly context: string;
  readonly state: "pending" | "success" | "failure";
  readonly description: string;
  readonly url?: string;
}
