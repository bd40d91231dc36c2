import { type Command, Option } from "commander";
import { type ClusterImage, totalSize } from "../image/cluster-image.ts";
import { leastGrade, platformName } from "../image/cluster-index.ts";
import { listLocal } from "../image/local-tags.ts";
import { readImages } from "../image/read-index.ts";
import { formatSize, formatTable } from "../image/text-table.ts";
import { type CommandContext, directories } from "../platform/context.ts";
import { printableJson } from "../process/printable.ts";
import { openStore } from "../store/store.ts";

export function registerImages(program: Command, context: CommandContext): void {
  program
    .command("images")
    .description("list the cluster images that were built here")
    .addOption(new Option("--format <format>", "how they are printed").choices(["pretty", "json"]).default("pretty"))
    .option("--store <dir>", "the local blob store")
    .addHelpText("after", "\nExamples:\n  kubefile images\n  kubefile images --format json | jq -r '.[].reference'")
    .action(async (flags: { format: "pretty" | "json"; store?: string }) => {
      await using store = await openStore(directories(context, flags.store).store);
      const images = await Promise.all(
        (await listLocal(store.directory)).map(async ({ reference, descriptor, tagged }) => {
          const images = await readImages(store, descriptor.digest).catch(() => []);
          const known = images.length === 0 ? undefined : summaryOf(images);
          return { reference, digest: descriptor.digest, ...known, tagged };
        }),
      );
      if (flags.format === "json") {
        context.stdout.write(`${printableJson(images)}\n`);
        return;
      }
      if (images.length === 0) {
        context.stdout.write("no cluster images here yet; build one with `kubefile build -t NAME .`\n");
        return;
      }
      const rows = images.map((image) => [
        image.reference,
        image.digest.slice("sha256:".length, "sha256:".length + 12),
        image.grade ?? "incomplete",
        image.platforms?.join(" ") ?? "",
        String(image.images ?? ""),
        image.size === undefined ? "" : formatSize(image.size),
        image.tagged?.slice(0, 16).replace("T", " ") ?? "",
      ]);
      const columns = [
        { header: "reference", flexible: true },
        { header: "digest" },
        { header: "grade" },
        { header: "platform" },
        { header: "images", align: "right" as const },
        { header: "size", align: "right" as const },
        { header: "built (UTC)" },
      ];
      context.stdout.write(`${formatTable(columns, rows, context.stdout.columns ?? 120).join("\n")}\n`);
    });
}

/** Of an index all of its platforms together, as far as they are told in one line. */
function summaryOf(images: readonly ClusterImage[]) {
  return {
    grade: leastGrade(images),
    platforms: images.map(platformName),
    images: new Set(images.flatMap(({ config }) => config.images.map(({ reference }) => reference))).size,
    size: images.reduce((sum, image) => sum + totalSize(image), 0),
  };
}
