import type { KubernetesApi } from "../../../src/cluster/types.ts";

/** Answers of an API server by method and path; whatever else is asked fails the test. */
export function apiAnswering(answers: {
  readonly get?: (path: string) => unknown;
  readonly create?: (path: string, body: unknown) => unknown;
  readonly text?: (path: string) => string;
}): KubernetesApi {
  const unasked = (path: string): never => {
    throw new Error(`the API server was asked for ${path}`);
  };
  return {
    // Answers are data of the test's own making, of the type that the caller expects.
    get: async <T>(path: string) => (answers.get ?? unasked)(path) as T,
    create: async <T>(path: string, body: unknown) => (answers.create ?? unasked)(path, body) as T,
    text: async (path) => (answers.text ?? unasked)(path),
    list: async (path) => unasked(path),
    delete: async (path) => unasked(path),
    watch: async (path) => unasked(path),
  };
}
