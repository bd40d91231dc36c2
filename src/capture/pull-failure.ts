import { KubefileError, type Location, locationPrefix } from "../error.ts";
import { formatReference, type Reference, referenceForm, tryParseReference } from "../oci/reference.ts";
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
  const failures = oncePerImage(problems.map((problem) => explain(problem, context)));
  const [first] = failures;
  const hints = [...new Set(failures.map(({ hint }) => hint))];
  const details = {
    hint: hints.join("; "),
    ...(first?.where === undefined ? {} : { where: first.where }),
  };
  if (failures.length === 1 && first !== undefined) return new KubefileError("PULL_FAILED", first.text, details);
  const lines = failures.map(({ text, where }) => `\n  ${locationPrefix(where)}${text}`);
  return new KubefileError("PULL_FAILED", `${failures.length} images cannot be pulled:${lines.join("")}`, details);
}

interface Explained {
  /** The container. */
  readonly subject: string;
  /** Its image, and what is wrong with that. */
  readonly said: string;
  readonly hint: string;
  readonly where: Location | undefined;
}

/** Of many replicas the first by name is told, and how many more there are. */
function oncePerImage(all: readonly Explained[]): readonly (Omit<Explained, "said"> & { readonly text: string })[] {
  const bySaid = new Map<string, Explained[]>();
  for (const each of all.toSorted((one, other) => (one.subject < other.subject ? -1 : 1))) {
    bySaid.set(each.said, [...(bySaid.get(each.said) ?? []), each]);
  }
  return [...bySaid].flatMap(([said, [first, ...more]]) => {
    if (first === undefined) return [];
    const others = more.length === 0 ? "" : ` and ${more.length} more`;
    return [{ ...first, text: `${first.subject}${others}: ${said}` }];
  });
}

function explain(problem: Problem, { lastFailure, locate }: PullFailureContext): Explained {
  const { container, reason, message } = problem;
  const where = locate(problem);
  const image = container?.image ?? "";
  const subject = `${formatObject(problem.object)}${container === undefined ? "" : ` ${containerText(container)}`}`;
  const reference = tryParseReference(image);
  if (reference === undefined || reason === "InvalidImageName") {
    return { subject, said: `${JSON.stringify(image)} is not an image reference`, hint: referenceForm, where };
  }
  const full = formatReference(reference);
  if (reason === "ErrImageNeverPull") {
    const hint = "remove imagePullPolicy: Never; nobody brings images to a node by hand here";
    return { subject, said: `${full} may not be pulled (imagePullPolicy Never), and no node holds it`, hint, where };
  }
  const failure = lastFailure(reference);
  if (failure === undefined) {
    const words = shorten(withoutCalls(message));
    return { subject, said: `${full} cannot be pulled: ${words}`, hint: nodeHint(words, reference.host), where };
  }
  const hint = registryHint({ status: failure.status, words: failure.message }, reference.host, "image");
  return { subject, said: `${full} ${registryWords(failure)}`, hint, where };
}

/** The next step where the registry has refused nothing: most often the node cannot use what it got. */
function nodeHint(said: string, host: string): string {
  if (/no match for platform/.test(said)) return "use an image that is built for the cluster's platform";
  const isUnusable = /diff id|unpack|extract|decompress|media ?type|rootfs|manifest|layer|\btar\b|gzip|zstd/i.test(
    said,
  );
  if (!isUnusable) return registryHint({ status: undefined, words: said }, host, "image");
  return `${host} gave what it has, and a node cannot use it: push the image again with a current tool`;
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

/** What a kubelet says before a node's own words: the image once more, and each layer of its calls. */
function withoutCalls(message: string): string {
  const call =
    /^(?:Back-off pulling image "[^"]*": |ErrImagePull: |rpc error: code = \w+ desc = |failed to pull and unpack image "[^"]*": )/;
  const rest = message.replace(call, "");
  return rest === message || rest === "" ? message : withoutCalls(rest);
}

/** The end is what matters. */
function shorten(message: string): string {
  const text = message.replaceAll(/\s+/g, " ").trim();
  return text.length <= 300 ? text : `…${text.slice(-299)}`;
}
