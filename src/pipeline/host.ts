import type { GhaAccess } from "../cache/gha-service.ts";
import type { PullSecret } from "../capture/pull-secret.ts";
import type { EngineEnvironment } from "../cluster/engine.ts";
import type { Repository } from "../oci/reference.ts";
import type { ProcessIdentity } from "../process/process-identity.ts";
import type { RegistryClient } from "../registry/types.ts";
import type { GitEnvironment } from "./git-program.ts";
import type { Progress } from "./progress.ts";

/** The machine a run works on and everything that differs between two runs, given by the front end. */
export interface Host {
  readonly engineEnvironment: EngineEnvironment;
  readonly directories: Directories;
  /** `name` is looked up there: kind. */
  readonly searchPath: string;
  readonly client: RegistryClient;
  /** For repositories that ADD names. */
  readonly gitEnvironment: () => Promise<GitEnvironment>;
  /** GitHub's cache service; undefined outside of a job that was given access to it. */
  readonly gha: GhaAccess | undefined;
  /** Offers a pull secret of the launch to the client. */
  readonly addPullSecret: (secret: PullSecret) => void;
  /** Names of those among them that a repository's images are pulled with. */
  readonly pullSecretsFor: (repository: Repository) => readonly string[];
  /** Lets the proxy dial a registry at a private address because somebody named it. */
  readonly trustRegistry: (host: string) => void;
  readonly progress: Progress;
  /** Aborted when the user or the runner cancels. */
  readonly signal: AbortSignal;
  /** Milliseconds of a monotonic clock. */
  readonly now: () => number;
  readonly runId: string;
  /** The word by which nodes are let into the proxy. */
  readonly runToken: string;
  readonly owner: ProcessIdentity;
  /** Keeps a text out of everything that will be kept or shown, from now on. */
  readonly addSecret: (text: string) => void;
  /** Takes secrets out of a text that will be kept or shown. */
  readonly redact: (text: string) => string;
}

export interface Directories {
  readonly store: string;
  readonly state: string;
  readonly tools: string;
  /** Where this run keeps what its cluster tells of a failure. */
  readonly failure: string;
}
