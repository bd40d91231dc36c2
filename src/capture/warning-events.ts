import type { KubernetesObject } from "../cluster/types.ts";
import { numberAt, textAt } from "./json-fields.ts";

/** An event of type Warning, as `kubectl describe` shows it. */
export interface WarningEvent {
  readonly reason: string;
  readonly message: string;
  readonly count: number;
  readonly last: string;
}

/** What a kubelet says, with no warning, when it asks for an image: the pod has its volumes and its network by then. */
export const PULLING = "Pulling";

export interface WarningEvents {
  apply(event: KubernetesObject): void;
  /** Of one object, oldest first. */
  of(uid: string): readonly WarningEvent[];
}

const MAX_PER_OBJECT = 10;

/** Keeps the last warnings of each object; the API server itself forgets them. */
export function createWarningEvents(): WarningEvents {
  const byObject = new Map<string, Map<string, WarningEvent>>();
  return {
    apply(event) {
      const uid = textAt(event, "involvedObject", "uid");
      const reason = textAt(event, "reason");
      if (uid === undefined || reason === undefined) return;
      const warnings = byObject.get(uid) ?? new Map<string, WarningEvent>();
      byObject.set(uid, warnings);
      // A repeated event is the same object with a higher count: it moves to the end.
      warnings.delete(event.metadata.uid);
      warnings.set(event.metadata.uid, {
        reason,
        message: textAt(event, "message") ?? "",
        count: numberAt(event, "count") ?? numberAt(event, "series", "count") ?? 1,
        last: textAt(event, "lastTimestamp") ?? textAt(event, "eventTime") ?? event.metadata.creationTimestamp ?? "",
      });
      for (const oldest of warnings.keys()) {
        if (warnings.size <= MAX_PER_OBJECT) break;
        warnings.delete(oldest);
      }
    },
    of: (uid) => [...(byObject.get(uid)?.values() ?? [])],
  };
}
