import type { BuilderName, ImageBuild } from "../builders/types.ts";
import type { CacheSpec } from "../cache/spec.ts";
import type { CacheTrust } from "../cache/trust.ts";
import type { Platform } from "../oci/descriptor.ts";
import type { Reference } from "../oci/reference.ts";
import type { PullPolicy } from "../plan/rehearsal-decision.ts";
import type { BuildSecrets } from "./build-secrets.ts";

/** Everything a build is told; the front ends fill it from flags, inputs and `kubefile.yaml`. */
export interface BuildOptions {
  /** Absolute path of the directory a build reads. */
  readonly context: string;
  /** Absolute path of the Kubefile. */
  readonly file: string;
  /** How messages name the Kubefile. */
  readonly fileShown: string;
  /** What is built for. */
  readonly platform: Platform;
  readonly tags: readonly Reference[];
  /** `by digest` moves no tag: the repositories of the tags get the image alone. */
  readonly push: boolean | "by digest";
  readonly outputs: readonly Output[];
  readonly buildArgs: ReadonlyMap<string, string>;
  /** Over those of the Kubefile. */
  readonly labels: Readonly<Record<string, string>>;
  /** Of the manifest. */
  readonly annotations: Readonly<Record<string, string>>;
  readonly secrets: BuildSecrets;
  /** Where images of FROM and `COPY --from` are looked for whose names have no registry: `registry.example/team`. */
  readonly baseRegistry: string | undefined;
  /** Images that the launch needs and no registry has. */
  readonly imageBuilds: readonly ImageBuild[];
  /** The checkout: what is named in it may not lead out of it by links, which come with the commit. */
  readonly imagesWithin: string;
  readonly builder: BuilderName;
  /** kaniko's executor. */
  readonly kanikoImage: string | undefined;
  readonly capture: "cluster" | "static";
  readonly wait: "ready" | "pulled";
  /** Milliseconds. */
  readonly quietWindow: number;
  /** Milliseconds that the launch may take to settle. */
  readonly timeout: number;
  readonly include: readonly string[];
  readonly exclude: readonly string[];
  readonly launchNetwork: boolean;
  readonly nodeImage: string | undefined;
  readonly kindConfig: string | undefined;
  readonly defaultCni: boolean;
  readonly keepCluster: boolean;
  readonly run: "container" | "host";
  readonly runImage: string;
  /**
   * `auto`: a lock that is there holds, and follows the build. `write`: as well, and one that is not there is made.
   * `exact`: the build is what the lock says, or fails. `off`: as if there were none.
   */
  readonly lock: "auto" | "write" | "exact" | "off";
  /** Read in this order, after the local store. */
  readonly cacheFrom: readonly CacheSpec[];
  readonly cacheTo: readonly CacheSpec[];
  readonly cacheTrust: CacheTrust;
  /** What a captured tag that has moved since the last rehearsal means. */
  readonly pull: PullPolicy;
  /** Nothing of earlier builds is used; what comes out is kept. */
  readonly noCache: boolean;
  /** Steps whose earlier results are not used: numbers, keywords, names of stages. */
  readonly noCacheFilter: readonly string[];
  /** Addresses that registries are reached at instead, by name. */
  readonly mirrors: Readonly<Record<string, string>>;
  readonly metadataFile: string | undefined;
  readonly reportFile: string | undefined;
  /** Where the context comes from; each goes into the artifact. */
  readonly origin: { readonly source?: string; readonly revision?: string; readonly version?: string };
  /** Seconds since 1970, when the artifact says it was created; without it, it does not say. */
  readonly sourceDateEpoch: number | undefined;
}

export interface Output {
  readonly type: "oci";
  /** Absolute path of the file to write. */
  readonly destination: string;
}

/** Published with each release from images/tools/Dockerfile. */
export const defaultRunImage = "ghcr.io/kubefile-ci/tools:0.1.0";

export const defaultQuietWindow = 20_000;
export const defaultTimeout = 600_000;
