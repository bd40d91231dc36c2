import pLimit from "p-limit";
import type { CacheKey, FoundRecord, LaunchRecord } from "../cache/types.ts";
import { kindConfigText } from "../cluster/kind.ts";
import { errorMessage } from "../error.ts";
import { formatPlatform } from "../oci/descriptor.ts";
import { manifestReference, parseReference } from "../oci/reference.ts";
import { type LaunchInputs, launchKey, movedKey, type RehearsalInputs } from "../plan/launch-key.ts";
import {
  decideRehearsal,
  knownDigests,
  type ReferenceState,
  type RehearsalDecision,
  referencesToAsk,
} from "../plan/rehearsal-decision.ts";
import type { BuildParts } from "./build-parts.ts";
import { surveyImages } from "./capture-survey.ts";
import { helmVersion } from "./chart-rendering.ts";
import { grantSecrets } from "./grant-secrets.ts";
import { upstreamFor } from "./inheritance.ts";
import type { Rootfs } from "./rootfs.ts";

/** What the caches know of a rehearsal, and where to keep it when it is run again. */
export type RehearsalPlace =
  | { readonly record: LaunchRecord; readonly from: string }
  | { readonly record?: undefined; readonly reason: string; readonly keep?: KeptUnder };

/** A record that is found under the key is replaced when it could not be used. */
export interface KeptUnder {
  readonly key: CacheKey;
  readonly replace: boolean;
}

/** Records that each led to the next as tags moved. In practice there are two. */
const LONGEST_CHAIN = 8;
const QUESTIONS_AT_ONCE = 16;

/** Looks for a rehearsal of the same launch that still holds. */
export async function findRehearsal(parts: BuildParts, rootfs: Rootfs): Promise<RehearsalPlace> {
  const { options, use, trail } = parts;
  if (options.launchNetwork) return { reason: "--launch-network: what a network may answer is not cached" };
  const inputs = await launchInputs(parts, rootfs);
  if (inputs === undefined) return { reason: "the images of node and launch container cannot be identified" };
  const changed = trail.launch(inputs);
  let keep: KeptUnder = { key: launchKey(inputs), replace: false };
  let reason: string | undefined;
  for (let length = 0; length < LONGEST_CHAIN; length += 1) {
    const { found, judged } = await lookUp(parts, keep.key);
    if (found !== undefined) return { record: found.record, from: found.from };
    if (judged === undefined) return { reason: reason ?? (use.usesRehearsal ? changed : use.reason), keep };
    reason ??= judged.reason;
    // A record of the tags as they are now has a key of its own; when they are unknown, the last one has to do.
    const digests = judged.isMoved ? knownDigests(judged.states) : undefined;
    if (digests === undefined) return { reason, keep: { key: keep.key, replace: true } };
    keep = { key: movedKey(keep.key, digests), replace: false };
  }
  return { reason: reason ?? changed, keep };
}

interface Judged {
  readonly reason: string;
  readonly states: ReadonlyMap<string, ReferenceState>;
  readonly isMoved: boolean;
}

/** The record of a key that holds, or why the first one that was found does not. */
async function lookUp(
  parts: BuildParts,
  key: CacheKey,
): Promise<{ readonly found?: FoundRecord<"launch"> | undefined; readonly judged?: Judged | undefined }> {
  let judged: Judged | undefined;
  const found = await parts.cache.find("launch", key, {
    signal: parts.host.signal,
    accepts: async ({ record, origins }) => {
      parts.supply.addOrigins(origins);
      const { decision, states } = await judge(parts, record);
      if (decision.use) return true;
      const isMoved = record.images.some(({ reference, digest }) => {
        const state = states.get(reference);
        return state !== undefined && "digest" in state && state.digest !== digest;
      });
      judged ??= { reason: decision.reason, states, isMoved };
      return false;
    },
  });
  return { found, judged };
}

async function judge(
  parts: BuildParts,
  record: LaunchRecord,
): Promise<{ readonly decision: RehearsalDecision; readonly states: ReadonlyMap<string, ReferenceState> }> {
  const { host, options, use, store, supply } = parts;
  const pull = options.pull;
  const unknownSecrets = await grantSecrets(parts, record);
  const states = await askAll(
    parts,
    referencesToAsk(record, pull, new Set(parts.built.map(({ reference }) => reference))),
    unknownSecrets,
  );
  const decision = decideRehearsal({ record, pull, states, lost: [] });
  if (!decision.use) return { decision, states };
  if (!use.usesRehearsal) return { decision: { use: false, reason: use.reason }, states };
  if (options.keepCluster) return { decision: { use: false, reason: "--keep-cluster" }, states };
  const lost = await surveyImages(record.images, {
    ...{ store, supply, platform: options.platform },
    signal: host.signal,
  });
  return { decision: decideRehearsal({ record, pull, states, lost }), states };
}

/** What tags stand for now, all asked at once. */
async function askAll(
  parts: BuildParts,
  references: readonly string[],
  unknownSecrets: ReadonlyMap<string, readonly string[]>,
): Promise<ReadonlyMap<string, ReferenceState>> {
  const { host } = parts;
  const upstream = upstreamFor(parts);
  const limit = pLimit(QUESTIONS_AT_ONCE);
  const ask = async (text: string): Promise<readonly [string, ReferenceState]> => {
    const reference = parseReference(text);
    host.trustRegistry(reference.host);
    try {
      const { digest } = await upstream.resolve(reference, manifestReference(reference), { signal: host.signal });
      return [text, { digest }];
    } catch (error) {
      host.signal.throwIfAborted();
      const why = errorMessage(error);
      const secrets = unknownSecrets.get(text);
      const remedy = secrets === undefined ? "" : `; ${withoutSecret(secrets, reference.host)}`;
      return [text, { problem: `cannot be asked for: ${why}${remedy}` }];
    }
  };
  return new Map(await Promise.all(references.map((text) => limit(ask, text))));
}

/** A pull secret that comes to be in the cluster alone is not there before the rehearsal that makes it. */
function withoutSecret(secrets: readonly string[], host: string): string {
  const names = secrets.map((name) => JSON.stringify(name)).join(", ");
  return `its pull secret ${names} is in no file that is copied: docker login ${host}, or registry-auths, would spare this`;
}

/** Undefined when something is not known that decides what a rehearsal finds. */
async function launchInputs(parts: BuildParts, rootfs: Rootfs): Promise<LaunchInputs | undefined> {
  const { host, options, plan } = parts;
  const rehearsal: LaunchInputs["rehearsal"] | undefined =
    options.capture === "static"
      ? { kind: "static", helm: (await helmVersion(host.searchPath, host.signal)) ?? "none" }
      : await rehearsalInputs(parts);
  if (rehearsal === undefined) return undefined;
  return {
    platform: formatPlatform(options.platform),
    tree: rootfs.tree,
    commands: rootfs.launch.commands,
    env: plan.env,
    include: options.include,
    exclude: options.exclude,
    mirrors: options.mirrors,
    inherited: Object.fromEntries((plan.base?.images ?? []).map(({ reference, digest }) => [reference, digest])),
    built: Object.fromEntries(parts.built.map(({ reference, digest }) => [reference, digest])),
    rehearsal,
  };
}

async function rehearsalInputs({ options, plan, identities }: BuildParts): Promise<RehearsalInputs | undefined> {
  const [nodeImage, launchContainer, kindConfig] = await Promise.all([
    identities.nodeImage(),
    identities.launchContainer(),
    kindConfigText({
      withoutDefaultNetwork: plan.bringsNetwork || !options.defaultCni,
      ...(options.kindConfig === undefined ? {} : { kindConfig: options.kindConfig }),
    }),
  ]);
  if (nodeImage === undefined || launchContainer === undefined) return undefined;
  const { wait, quietWindow } = options;
  return {
    ...{ kind: "cluster", kindConfig, wait, quietWindow },
    nodeImage: nodeImage.id,
    launchContainer: launchContainer.id,
  };
}
