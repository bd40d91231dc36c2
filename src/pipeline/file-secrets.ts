import pLimit from "p-limit";
import { type PullSecret, pullSecretsIn } from "../capture/pull-secret.ts";
import { readRootfsFile } from "../capture/rootfs-files.ts";
import type { Plan } from "../plan/plan.ts";
import type { StepInputs } from "./step-inputs.ts";

export interface FileSecretOptions {
  /** Absolute path of the build context. */
  readonly context: string;
  readonly plan: Plan;
  readonly inputs: StepInputs;
}

const FILES_AT_ONCE = 16;

/**
 * The pull secrets among the files and here-documents that steps copy from the build context: those of a rootfs that is
 * known by its record alone, of which no layer need be here. Read once, when they are needed.
 */
export function fileSecrets({ context, plan, inputs }: FileSecretOptions): () => Promise<readonly PullSecret[]> {
  let found: Promise<readonly PullSecret[]> | undefined;
  const read = async (): Promise<readonly PullSecret[]> => {
    const texts: string[] = [];
    const paths = new Set<string>();
    for (const step of plan.stages.flatMap((stage) => stage.steps)) {
      if (step.kind === "run") continue;
      for (const source of step.sources) if (source.kind === "text") texts.push(source.text);
      for (const input of await inputs.of(step)) {
        if (input.kind !== "context") continue;
        for (const [path, entry] of input.entries)
          if (entry.startsWith("file ") && mayBeManifest(path)) paths.add(path);
      }
    }
    const limit = pLimit(FILES_AT_ONCE);
    const contents = await Promise.all(
      // A file that is gone is no reason to fail here: the step that copies it is.
      [...paths].sort().map((path) => limit(() => readRootfsFile(context, path).catch(() => undefined))),
    );
    return [...texts, ...contents].flatMap((text) => (text === undefined ? [] : pullSecretsIn(text)));
  };
  return () => {
    found ??= read();
    return found;
  };
}

function mayBeManifest(path: string): boolean {
  return /\.(ya?ml|json)$|(^|\/)[^/.]+$/i.test(path);
}
