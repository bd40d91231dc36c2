import { verdictMarkdown } from "../pipeline/verdict-markdown.ts";
import { formatVerdict } from "../pipeline/verdict-text.ts";
import { type Verdict, verify } from "../pipeline/verify.ts";
import { printableJson } from "../process/printable.ts";
import { markCommit } from "./commit-mark.ts";
import { type CommandContext, showsColor } from "./context.ts";
import { failurePointers, type KeepBundle } from "./failure-pointers.ts";
import { openHost } from "./host.ts";
import { type LaunchFlags, launchInputs, launchOptions } from "./launch-inputs.ts";

export interface VerifyJob {
  readonly reference: string;
  readonly asked: LaunchFlags;
  readonly format: "pretty" | "json";
  readonly runId?: string;
  readonly keepBundle?: KeepBundle | undefined;
}

/** Verifies a cluster image, prints the verdict, and tells the place it runs in. */
export async function verifyInJob(context: CommandContext, job: VerifyJob): Promise<Verdict> {
  const { platform, stdout, env } = context;
  const { reference, asked, format } = job;
  await using host = await openHost(context, asked, job.runId);
  const verdict = await verify(host, await launchOptions(reference, asked, context));
  host.endProgress();
  stdout.write(
    format === "json"
      ? `${printableJson({ reference, ...verdict })}\n`
      : formatVerdict(reference, verdict, showsColor(stdout, env)),
  );
  await platform.output("verdict", verdict.verdict);
  if (verdict.digest !== undefined) await platform.output("digest", verdict.digest);
  const pointers =
    verdict.verdict === "passed"
      ? {}
      : await failurePointers(
          context,
          host,
          { verb: "verify", inputs: launchInputs, flags: { ...asked }, subject: reference },
          job.keepBundle,
        );
  await platform.summary(host.redact(verdictMarkdown(reference, verdict, pointers)));
  const [reason = "it starts with the network cut"] = verdict.reasons;
  await markCommit(context, {
    ...{ what: "verify", passed: verdict.verdict === "passed" },
    description: host.redact(`${verdict.verdict}: ${reason}`),
  });
  if (verdict.verdict !== "passed") {
    platform.annotate({ level: "error", title: `verify ${verdict.verdict}`, message: verdict.reasons.join("\n") });
  }
  return verdict;
}
