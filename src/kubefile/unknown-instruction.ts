import { type Diagnostic, quoted } from "./diagnostic.ts";
import { instructionKinds } from "./instruction-kinds.ts";
import type { Span } from "./mapped-text.ts";
import { didYouMean, nearest } from "./nearest.ts";

/** Instructions of a Dockerfile that make no sense for a file tree that is launched in a cluster, and what does. */
const dockerfileWords: Readonly<Record<string, string>> = {
  ENTRYPOINT: "write what starts the application as CMD; every CMD runs, in order",
  EXPOSE: "remove it; Services of the application decide what can be reached",
  HEALTHCHECK: "remove it; probes of the application's pods decide when they are ready",
  ONBUILD: "write the instruction itself; nothing is built from a cluster image later",
  SHELL: "remove it; commands are run by sh",
  STOPSIGNAL: "remove it; nothing of a cluster image is a process",
  USER: "remove it; all files belong to root, and pods choose their user in their manifests",
  VOLUME: "remove it; applications ask for storage with a PersistentVolumeClaim",
  WORKDIR: "write the path in COPY and CMD; everything is relative to the root of the cluster image",
};

/** Commands that people write without the instruction before them. */
const commands: readonly string[] = [
  "kubectl",
  "helm",
  "kustomize",
  "bash",
  "sh",
  "wget",
  "curl",
  "mkdir",
  "tar",
  "echo",
];

export function unknownInstruction(written: string, span: Span): Diagnostic {
  const keyword = written.toUpperCase();
  const replacement = Object.hasOwn(dockerfileWords, keyword) ? dockerfileWords[keyword] : undefined;
  if (replacement !== undefined) {
    return {
      severity: "error",
      code: "dockerfile-instruction",
      message: `a Kubefile has no ${keyword}`,
      hint: replacement,
      span,
    };
  }
  return {
    severity: "error",
    code: "unknown-instruction",
    message: `${quoted(written)} is not an instruction`,
    hint: hintFor(written),
    span,
  };
}

function hintFor(written: string): string {
  if (!/^[A-Za-z]/.test(written)) return "does the line above lack a \\ at its end?";
  const command = commands.find((name) => name === written.toLowerCase());
  if (command !== undefined) {
    return `write RUN ${command} ... to run it during the build, CMD ${command} ... to run it at launch, or end the line above with \\`;
  }
  return (
    didYouMean(nearest(written.toUpperCase(), [...instructionKinds, ...Object.keys(dockerfileWords)])) ??
    `a Kubefile has ${instructionKinds.join(" ")}`
  );
}
