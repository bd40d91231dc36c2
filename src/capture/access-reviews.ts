import type { KubernetesApi, KubernetesObject } from "../cluster/types.ts";
import { fieldAt, recordsAt, textAt } from "./json-fields.ts";
import { groupOf } from "./template-of.ts";

export interface CustomResource {
  readonly group: string;
  /** Plural. */
  readonly name: string;
  readonly namespaced: boolean;
}

export interface AccessAttributes {
  readonly verb: string;
  readonly group: string;
  readonly resource: string;
  readonly namespace: string | undefined;
}

export interface AccessReviews {
  /** Whether a pod's ServiceAccount may do something. */
  allowed(pod: KubernetesObject, attributes: AccessAttributes): Promise<boolean>;
  resourceOf(owner: { readonly apiVersion: string; readonly kind: string }): Promise<CustomResource | undefined>;
}

/** Questions to the API server, each asked once. Errors are KubernetesApiError. */
export function accessReviews(api: KubernetesApi, signal: AbortSignal | undefined): AccessReviews {
  const answers = new Map<string, Promise<boolean>>();
  const resources = new Map<string, Promise<readonly unknown[]>>();
  return {
    allowed(pod, attributes) {
      const namespace = pod.metadata.namespace ?? "default";
      const account = textAt(pod, "spec", "serviceAccountName") ?? "default";
      const spec = {
        user: `system:serviceaccount:${namespace}:${account}`,
        groups: ["system:authenticated", "system:serviceaccounts", `system:serviceaccounts:${namespace}`],
        resourceAttributes: attributes,
      };
      const key = JSON.stringify(spec);
      const answer = answers.get(key) ?? review(api, spec, signal);
      answers.set(key, answer);
      return answer;
    },
    async resourceOf({ apiVersion, kind }) {
      const list = resources.get(apiVersion) ?? resourcesOf(api, apiVersion, signal);
      resources.set(apiVersion, list);
      const resource = (await list).find(
        (entry) => textAt(entry, "kind") === kind && textAt(entry, "name")?.includes("/") === false,
      );
      const name = textAt(resource, "name");
      if (name === undefined) return undefined;
      return { group: groupOf(apiVersion), name, namespaced: fieldAt(resource, "namespaced") === true };
    },
  };
}

async function review(api: KubernetesApi, spec: unknown, signal: AbortSignal | undefined): Promise<boolean> {
  const answer = await api.create<unknown>(
    "/apis/authorization.k8s.io/v1/subjectaccessreviews",
    { apiVersion: "authorization.k8s.io/v1", kind: "SubjectAccessReview", spec },
    { signal },
  );
  return fieldAt(answer, "status", "allowed") === true;
}

/** The kinds of a group and version; none when it is gone, as after a launch that removes its own CRD. */
async function resourcesOf(
  api: KubernetesApi,
  apiVersion: string,
  signal: AbortSignal | undefined,
): Promise<readonly unknown[]> {
  try {
    return recordsAt(await api.get<unknown>(`/apis/${apiVersion}`, { signal }), "resources");
  } catch (error) {
    if (error instanceof Error && "status" in error && error.status === 404) return [];
    throw error;
  }
}
