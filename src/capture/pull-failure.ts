import { formatLocation, KubefileError, type Location } from "../error.ts";
import { formatReference, type Reference, tryParseReference } from "../oci/reference.ts";
import { registryHint } from "../registry/registry-hint.ts";
import type { Problem } from "./assessment.ts";
import { formatObject } from "./owners.ts";
import { containerText } from "./pod-spec.ts";
import type { PullFailure } from "./recorder.ts";

export interface PullFailureContext {
  readonly lastFailure: (reference: Reference) => PullFailure | undefined;
  /** The launch command that is to blame. */
  readonly locate: (problem: Problem) => Location | undefined;
}

/** One error for every container whose image cannot be had, in the registry's own words where it has spoken. */
export function pullFailed(problems: readonly Problem[], context: PullFailureContext): KubefileError {
  const failures = problems
    .map((problem) => explain(problem, context))
    .sort((one, other) => (one.text < other.text ? -1 : 1));
  const [first] = failures;
  const hints = [...new Set(failures.map(({ hint }) => hint))];
  const details = {
    hint: hints.join("; "),
    ...(first?.where === undefined ? {} : { where: first.where }),
  };
  if (failures.length === 1 && first !== undefined) return new KubefileError("PULL_FAILED", first.text, details);
  const lines = failures.map(
    ({ text, where }) => `\n  ${where === undefined ? "" : `${formatLocation(where)}: `}${text}`,
  );
  return new KubefileError("PULL_FAILED", `${failures.length} images cannot be pulled:${lines.join("")}`, details);
}

interface Explained {
  readonly text: string;
  readonly hint: string;
  readonly where: Location | undefined;
}

function explain(problem: Problem, { lastFailure, locate }: PullFailureContext): Explained {
  const { container, reason, message } = problem;
  const where = locate(problem);
  const image = container?.image ?? "";
  const subject = `${formatObject(problem.object)}${container === undefined ? "" : ` ${containerText(container)}`}`;
  const reference = tryParseReference(image);
  if (reference === undefined || reason === "InvalidImageName") {
    const hint = "write it as [REGISTRY/]NAME[:TAG][@sha256:DIGEST], in lower case";
    return { text: `${subject}: ${JSON.stringify(image)} is not an image reference`, hint, where };
  }
  const full = formatReference(reference);
  if (reason === "ErrImageNeverPull") {
    const hint = "remove imagePullPolicy: Never; nobody brings images to a node by hand here";
    return { text: `${subject}: ${full} may not be pulled (imagePullPolicy Never), and no node holds it`, hint, where };
  }
  const failure = lastFailure(reference);
  const words = failure === undefined ? `cannot be pulled: ${shorten(message)}` : registryWords(failure);
  const hint = registryHint({ status: failure?.status, words: failure?.message ?? message }, reference.host, "image");
  return { text: `${subject}: ${full} ${words}`, hint, where };
}

function registryWords({ status, message }: PullFailure): string {
  const said = message === "" ? `status ${status}` : shorten(message);
  switch (status) {
    case 401:
      return `needs a login: ${said}`;
    case 403:
      return `was refused: ${said}`;
    case 404:
      return `was not found: ${said}`;
    case 429:
      return `was refused for now, too many requests: ${said}`;
    default:
      return `could not be fetched: ${said}`;
  }
}

/** A kubelet repeats the image and each layer of its own calls; the end is what matters. */
function shorten(message: string): string {
  const text = message.replaceAll(/\s+/g, " ").trim();
  return text.length <= 300 ? text : `…${text.slice(-299)}`;
}
