import { textStyle } from "../image/text-style.ts";
import { countOf, formatSeconds, formatTable, plainText } from "../image/text-table.ts";
import type { PreviewVerdict } from "./preview-verdict.ts";

/** The verdict as a terminal shows it, above the error when there is one. */
export function formatPreview(verdict: PreviewVerdict, options: { color: boolean; width: number }): string {
  const style = textStyle(options.color);
  const { image, pods, test, lasting } = verdict;
  const mark = verdict.verdict === "passed" ? style.good("passed") : style.bad(verdict.verdict);
  const rows = pods.map((pod) => [
    `${pod.namespace}/${pod.name}`,
    pod.status,
    pod.ready,
    String(pod.restarts),
    pod.message ?? "",
  ]);
  const columns = [{ header: "POD" }, { header: "STATUS" }, { header: "READY" }, { header: "RESTARTS" }];
  const table = formatTable([...columns, { header: "", flexible: true }], rows, options.width - 2);
  return [
    `${mark}  ${image === undefined ? "no cluster image" : style.dim(image.digest)}`,
    ...(rows.length === 0 ? [] : table.map((line) => `  ${line}`)),
    ...(test?.exitCode === 0 ? [`  test passed in ${formatSeconds(test.seconds)}: ${plainText(test.command)}`] : []),
    ...(lasting === undefined ? [] : [`  ${plainText(lasting.name)} stays until ${lasting.expires}`]),
    ...(lasting === undefined ? [] : lasting.addresses.map(({ url, target }) => `  ${url}  ${plainText(target)}`)),
    ...(verdict.events.length === 0 ? [] : [`  ${countOf(verdict.events.length, "warning")} of the cluster`]),
    "",
  ].join("\n");
}
