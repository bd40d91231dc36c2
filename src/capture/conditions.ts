import type { KubernetesObject } from "../cluster/types.ts";
import { recordsAt, textAt } from "./json-fields.ts";

export interface Condition {
  readonly status: string;
  readonly reason?: string;
  readonly message?: string;
}

/** A condition of an object's status, by its type. */
export function conditionOf(object: KubernetesObject, type: string): Condition | undefined {
  const found = recordsAt(object, "status", "conditions").find((entry) => textAt(entry, "type") === type);
  if (found === undefined) return undefined;
  const reason = textAt(found, "reason");
  const message = textAt(found, "message");
  return {
    status: textAt(found, "status") ?? "",
    ...(reason === undefined ? {} : { reason }),
    ...(message === undefined ? {} : { message }),
  };
}
