import { setMaxListeners } from "node:events";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { KubefileError } from "../error.ts";
import type { KubernetesApi, KubernetesObject, WatchEvent } from "./types.ts";

export interface WatchSource {
  /** All objects, with the version to watch from. */
  readonly list: (options: { readonly signal: AbortSignal }) => ReturnType<KubernetesApi["list"]>;
  /** Opens one watch request; the body is one JSON event a line. */
  readonly open: (query: Readonly<Record<string, string>>, signal: AbortSignal) => Promise<Readable>;
  readonly onEvent: (event: WatchEvent) => void;
  readonly signal: AbortSignal;
}

/** The server ends a watch after this time; a silent half-open connection is given up a little later. */
const WATCH_SECONDS = 240;
/** Consecutive failures are the API server's trouble, not a blip, from here on. */
const FAILURE_LIMIT = 20;

/**
 * Lists, then watches, and goes on for ever: reconnects where it stopped, and lists anew when the server has forgotten
 * that version (410), telling what changed meanwhile as ADDED, MODIFIED and DELETED. Resolves when the signal aborts.
 *
 * @throws KubefileError CLUSTER_FAILED when the API server fails 20 times in a row
 */
export async function watchResource(source: WatchSource): Promise<void> {
  // There are as many watches of one cluster as kinds of objects: all on one signal, and none of them is a leak.
  setMaxListeners(0, source.signal);
  const view: View = { known: new Map(), version: undefined };
  let failures = 0;
  while (!source.signal.aborted) {
    try {
      if (view.version === undefined) await relist(source, view);
      await follow(source, view, () => {
        failures = 0;
      });
    } catch (error) {
      if (source.signal.aborted) return;
      if (isGone(error)) {
        view.version = undefined;
        continue;
      }
      failures += 1;
      if (failures >= FAILURE_LIMIT) {
        throw new KubefileError("CLUSTER_FAILED", "the API server of the cluster has stopped answering", {
          cause: error,
        });
      }
      await sleep(Math.min(100 * 2 ** failures, 2_000), undefined, { signal: source.signal }).catch(() => undefined);
    }
  }
}

/** What has been told so far: the objects by uid, and the version to go on from. */
interface View {
  readonly known: Map<string, KubernetesObject>;
  version: string | undefined;
}

async function relist(source: WatchSource, view: View): Promise<void> {
  const { items, resourceVersion } = await source.list({ signal: source.signal });
  const gone = new Map(view.known);
  for (const object of items) {
    const before = gone.get(object.metadata.uid);
    gone.delete(object.metadata.uid);
    if (before !== undefined && before.metadata.resourceVersion === object.metadata.resourceVersion) continue;
    view.known.set(object.metadata.uid, object);
    source.onEvent({ type: before === undefined ? "ADDED" : "MODIFIED", object });
  }
  for (const [uid, object] of gone) {
    view.known.delete(uid);
    source.onEvent({ type: "DELETED", object });
  }
  view.version = resourceVersion;
}

/** Reads one watch to its end. */
async function follow(source: WatchSource, view: View, onAnswer: () => void): Promise<void> {
  const silence = AbortSignal.timeout((WATCH_SECONDS + 30) * 1000);
  const query = {
    watch: "1",
    allowWatchBookmarks: "true",
    resourceVersion: view.version ?? "",
    timeoutSeconds: String(WATCH_SECONDS),
  };
  const body = await source.open(query, AbortSignal.any([source.signal, silence]));
  // readline passes no error of its input on: it would end the loop as if the watch had ended well.
  let broken: unknown;
  body.once("error", (error) => {
    broken = error;
  });
  try {
    for await (const line of createInterface({ input: body, crlfDelay: Number.POSITIVE_INFINITY })) {
      if (line === "" || source.signal.aborted) continue;
      const event: RawEvent = JSON.parse(line);
      if (event.type === "ERROR") throw new WatchError(event.object.code ?? 0, event.object.message ?? line);
      onAnswer();
      view.version = event.object.metadata.resourceVersion ?? view.version;
      if (event.type === "BOOKMARK") continue;
      if (event.type === "DELETED") view.known.delete(event.object.metadata.uid);
      else view.known.set(event.object.metadata.uid, event.object);
      source.onEvent({ type: event.type, object: event.object });
    }
  } finally {
    // The end of the loop leaves the input open, and a watch that failed would hold its connection for minutes.
    body.destroy();
  }
  if (broken !== undefined) throw broken;
  onAnswer();
}

type RawEvent =
  | WatchEvent
  | { readonly type: "BOOKMARK"; readonly object: KubernetesObject }
  | { readonly type: "ERROR"; readonly object: { readonly code?: number; readonly message?: string } };

class WatchError extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.name = "WatchError";
    this.status = status;
  }
}

function isGone(error: unknown): boolean {
  return error instanceof Error && "status" in error && error.status === 410;
}
