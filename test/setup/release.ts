import { rm } from "node:fs/promises";
import type { TestProject } from "vitest/node";
import { makeRelease } from "../support/release.ts";

declare module "vitest" {
  export interface ProvidedContext {
    /** A directory that holds what a release's tag does, with bundles of today's sources. */
    readonly release: string;
  }
}

/** Vitest's global set-up of tests that run actions. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const release = await makeRelease();
  project.provide("release", release);
  return () => rm(release, { recursive: true, force: true });
}
